package main

// shortID returns the digits of an ID that people are shown in lists.
func shortID(id string) string { return id[:min(12, len(id))] }

// userName returns a user's name for people.
func userName(user string) string {
	if user == "" {
		return "-"
	}
	return printable(user)
}

// componentName returns a component's name for people.
func componentName(name string) string {
	if name == "" {
		return "(global)"
	}
	return printable(name)
}
