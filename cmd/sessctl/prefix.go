package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/boltsession/session"
)

// The shortest prefix that may stand for an ID, so that a typing error rarely hits another
// session, and how many candidates are listed for one that is ambiguous.
const (
	minPrefix     = 4
	maxCandidates = 10
)

// parsePrefix checks what was typed as an ID or the beginning of one.
func parsePrefix(s string) (string, error) {
	prefix := strings.ToLower(s)
	switch {
	case strings.Trim(prefix, "0123456789abcdef") != "":
		return "", usagef("%s is no ID: it has hex digits only, as sessctl all shows them", s)
	case len(prefix) < minPrefix:
		return "", usagef("ID %q is too short: give at least %d digits", prefix, minPrefix)
	case len(prefix) > len(session.ID{}.String()):
		return "", usagef("the ID is too long: it has %d digits", len(session.ID{}.String()))
	}
	return prefix, nil
}

// findID returns the ID of the one session whose ID begins with prefix.
func findID(ctx context.Context, store session.Lister, prefix string) (session.ID, error) {
	if id, err := session.ParseID(prefix); err == nil {
		return id, nil
	}
	var found []session.Info
	for info, err := range store.All(ctx) {
		if err != nil {
			return session.ID{}, err
		}
		if strings.HasPrefix(info.ID.String(), prefix) {
			found = append(found, info)
		}
	}
	switch len(found) {
	case 0:
		return session.ID{}, errNoSuchSession(prefix)
	case 1:
		return found[0].ID, nil
	}
	return session.ID{}, ambiguous(prefix, found)
}

func errNoSuchSession(prefix string) error {
	return fmt.Errorf("no session %s: it may have ended; sessctl all lists those there are", prefix)
}

// ambiguousError lists the sessions that a prefix could mean.
type ambiguousError struct{ lines []string }

func (e *ambiguousError) Error() string { return strings.Join(e.lines, "\n") }

// ambiguous says which sessions prefix could mean.
func ambiguous(prefix string, found []session.Info) error {
	lines := []string{fmt.Sprintf("%d sessions begin with %s; give more digits of one of them:", len(found), prefix)}
	now := time.Now()
	for i, info := range found {
		if i == maxCandidates {
			lines = append(lines, fmt.Sprintf("  and %d more", len(found)-i))
			break
		}
		lines = append(lines, fmt.Sprintf("  %s  %s, last access %s", info.ID, userName(info.User), relative(info.LastAccess, now)))
	}
	return &ambiguousError{lines}
}
