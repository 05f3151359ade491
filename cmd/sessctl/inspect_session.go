package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/boltsession/session"
)

// inspectSession prints one session with its values.
func inspectSession(ctx context.Context, w io.Writer, store *session.BoltStore, prefix string, asJSON bool) error {
	id, err := findID(ctx, store, prefix)
	if err != nil {
		return err
	}
	s, err := store.Get(ctx, id)
	if errors.Is(err, session.ErrNotFound) {
		return errNoSuchSession(prefix)
	}
	if err != nil {
		return err
	}
	components, err := contents(ctx, s, values{marked: !asJSON})
	if err != nil {
		return err
	}
	if !asJSON {
		return printSession(w, s, components)
	}
	return writeJSON(w, inspectedSession{
		listedSession: listedSession[map[string]any]{
			ID: s.ID(), User: s.User(), Components: components,
			Created: s.Created().UTC(), LastAccess: s.LastAccess().UTC(), Expires: s.ExpiresAt().UTC(),
		},
		MaxAge: s.MaxAge().String(),
	})
}

// inspectedSession is a session with its values in JSON.
type inspectedSession struct {
	listedSession[map[string]any]
	MaxAge string `json:"max_age"`
}

// contents returns all values of a session by component and key.
func contents(ctx context.Context, s *session.Session, v values) (map[string]map[string]any, error) {
	all := make(map[string]map[string]any)
	for _, name := range append([]string{""}, s.Components()...) {
		c, err := s.Component(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("read component: %w", err)
		}
		for _, key := range c.Keys() {
			if all[name] == nil {
				all[name] = make(map[string]any)
			}
			all[name][key] = v.of(c, key)
		}
	}
	return all, nil
}

// printSession prints a session for people.
func printSession(w io.Writer, s *session.Session, components map[string]map[string]any) error {
	now := time.Now()
	when := func(t time.Time) string {
		return fmt.Sprintf("%s (%s)", t.UTC().Format(time.RFC3339), relative(t, now))
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "id\t%s\n", s.ID())
	fmt.Fprintf(out, "user\t%s\n", userName(s.User()))
	fmt.Fprintf(out, "created\t%s\n", when(s.Created()))
	fmt.Fprintf(out, "last access\t%s\n", when(s.LastAccess()))
	fmt.Fprintf(out, "expires\t%s\n", when(s.ExpiresAt()))
	fmt.Fprintf(out, "max age\t%s\n", strings.TrimSuffix(s.MaxAge().String(), "0s"))
	if err := out.Flush(); err != nil {
		return err
	}
	for _, name := range sortedKeys(components) {
		fmt.Fprintf(out, "\n%s\n", componentName(name))
		for _, key := range sortedKeys(components[name]) {
			value, err := marshalLine(components[name][key])
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "  %s\t%s\n", printable(key), value)
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return nil
}
