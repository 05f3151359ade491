package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/boltsession/session/admin"
)

// inspectSession prints one session with its values.
func inspectSession(ctx context.Context, w io.Writer, store *connection, prefix string, asJSON bool) error {
	s, err := findSession(ctx, store, prefix)
	if err != nil {
		return err
	}
	components := contents(s, values{marked: !asJSON})
	if !asJSON {
		return printSession(w, s, components)
	}
	return writeJSON(w, inspectedSession{
		listedSession: newListed(s, components),
		MaxAge:        s.MaxAge.String(),
		Encrypted:     s.Encrypted,
	})
}

// inspectedSession is a session with its values in JSON.
type inspectedSession struct {
	listedSession[map[string]any]
	MaxAge    string   `json:"max_age"`
	Encrypted []string `json:"encrypted,omitempty"` // components whose values cannot be read without a key
}

// contents returns all values of a session by component and key.
func contents(s admin.Session, v values) map[string]map[string]any {
	all := make(map[string]map[string]any)
	for name, encoded := range s.Values {
		if len(encoded) == 0 {
			continue
		}
		all[name] = make(map[string]any)
		for key, data := range encoded {
			all[name][key] = v.decode(data)
		}
	}
	return all
}

// printSession prints a session for people.
func printSession(w io.Writer, s admin.Session, components map[string]map[string]any) error {
	now := time.Now()
	when := func(t time.Time) string {
		return fmt.Sprintf("%s (%s)", t.UTC().Format(time.RFC3339), relative(t, now))
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "id\t%s\n", s.ID)
	fmt.Fprintf(out, "user\t%s\n", userName(s.User))
	fmt.Fprintf(out, "created\t%s\n", when(s.Created))
	fmt.Fprintf(out, "last access\t%s\n", when(s.LastAccess))
	fmt.Fprintf(out, "expires\t%s\n", when(s.Expires))
	fmt.Fprintf(out, "max age\t%s\n", strings.TrimSuffix(s.MaxAge.String(), "0s"))
	if err := out.Flush(); err != nil {
		return err
	}
	for _, name := range sortedKeys(components) {
		if err := printComponent(out, name, components[name]); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(slices.Values(s.Encrypted)) {
		fmt.Fprintf(out, "\n%s\n  encrypted, and there is no key to read it\n", componentName(name))
	}
	return out.Flush()
}

// printComponent prints the values of one component.
func printComponent(out *tabwriter.Writer, name string, content map[string]any) error {
	fmt.Fprintf(out, "\n%s\n", componentName(name))
	for _, key := range sortedKeys(content) {
		value, err := marshalLine(content[key])
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "  %s\t%s\n", printable(key), value)
	}
	return out.Flush()
}
