package session

import (
	"net/http"
	"strings"
)

// protectCaching keeps shared caches from handing one client's response to another: it is for
// responses that depend on a session or set its cookie. It adds the fields that vary lists to
// Vary, and withdraws what h permits to shared caches (RFC 9111, 5.2.2). A response that says
// nothing of caching becomes no-store, for the history cache of a shared computer, too.
//
// Fields for one kind of cache, such as CDN-Cache-Control, overrule Cache-Control there
// (RFC 9213), so that they are treated alike.
func protectCaching(h http.Header, vary string) {
	addVary(h, vary)
	said := false
	for name, lines := range h {
		switch {
		case len(lines) == 0:
		case strings.EqualFold(name, "Cache-Control"):
			said = true
			h[name] = []string{privately(strings.Join(lines, ","))}
		case endsFold(name, "-Cache-Control"):
			h[name] = []string{privately(strings.Join(lines, ","))}
		case strings.EqualFold(name, "Surrogate-Control"): // has no private
			h[name] = []string{"no-store"}
		}
	}
	if !said {
		h["Cache-Control"] = []string{"no-store"}
	}
}

// addVary adds the field names listed in vary to h's Vary. The value * covers them all.
func addVary(h http.Header, vary string) {
	for name := range strings.SplitSeq(vary, ",") {
		name = strings.Trim(name, " \t")
		have := strings.Join(h["Vary"], ",")
		if name == "" || listsField(have, "*") || listsField(have, name) {
			continue
		}
		h.Add("Vary", name)
	}
}

// listsField says whether name is in a comma-separated list of field names.
func listsField(list, name string) bool {
	for item := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.Trim(item, " \t"), name) {
			return true
		}
	}
	return false
}

// privately returns the directives of a Cache-Control value without those that permit a shared
// cache to store the response, and with private unless no-store is there. What cannot be read
// as directives becomes no-store.
func privately(value string) string {
	directives, ok := splitDirectives(value)
	if !ok {
		return "no-store"
	}
	var kept []string
	private := false
	for _, d := range directives {
		name, _, _ := strings.Cut(d, "=")
		switch strings.ToLower(strings.Trim(name, " \t")) {
		case "public", "s-maxage":
			continue
		case "private", "no-store":
			if name != d { // private="Field" protects that field only; no-store has no argument
				continue
			}
			private = true
		}
		kept = append(kept, d)
	}
	switch {
	case len(directives) == 0:
		return "no-store"
	case !private:
		kept = append(kept, "private")
	}
	return strings.Join(kept, ", ")
}

// splitDirectives splits at the commas outside of quoted strings, and leaves out empty items.
// It returns false when a quote is not closed: caches would disagree about the rest.
func splitDirectives(value string) (directives []string, ok bool) {
	quoted, start := false, 0
	add := func(item string) {
		if item = strings.Trim(item, " \t"); item != "" {
			directives = append(directives, item)
		}
	}
	for i := 0; i < len(value); i++ {
		switch {
		case quoted && value[i] == '\\':
			i++
		case value[i] == '"':
			quoted = !quoted
		case value[i] == ',' && !quoted:
			add(value[start:i])
			start = i + 1
		}
	}
	add(value[start:])
	return directives, !quoted
}

func endsFold(s, suffix string) bool {
	return len(s) >= len(suffix) && strings.EqualFold(s[len(s)-len(suffix):], suffix)
}
