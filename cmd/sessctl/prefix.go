package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/admin"
)

// The shortest prefix that may stand for an ID, so that a typing error rarely hits another
// session, and how many candidates are counted and listed for one that is ambiguous.
const (
	idDigits      = 64
	minPrefix     = 4
	maxCandidates = 100
	maxListed     = 10
)

// parsePrefix checks what was typed as an ID or the beginning of one.
func parsePrefix(s string) (string, error) {
	prefix := strings.ToLower(s)
	switch {
	case strings.Trim(prefix, "0123456789abcdef") != "":
		return "", usagef("%s is no ID: it has hex digits only, as sessctl all shows them", s)
	case len(prefix) < minPrefix:
		return "", usagef("ID %q is too short: give at least %d digits", prefix, minPrefix)
	case len(prefix) > idDigits:
		return "", usagef("the ID is too long: it has %d digits", idDigits)
	}
	return prefix, nil
}

// findID returns the ID of the one session whose ID begins with prefix.
func findID(ctx context.Context, store admin.Backend, prefix string) (string, error) {
	if len(prefix) == idDigits {
		return prefix, nil
	}
	found, err := store.Find(ctx, prefix, maxCandidates+1)
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", errNoSuchSession(prefix)
	case len(found) == 1:
		return found[0], nil
	}
	return "", ambiguous(ctx, store, prefix, found)
}

// findSession returns the one session whose ID begins with prefix, with its values.
func findSession(ctx context.Context, store admin.Backend, prefix string) (admin.Session, error) {
	id, err := findID(ctx, store, prefix)
	if err != nil {
		return admin.Session{}, err
	}
	s, err := store.Get(ctx, id)
	switch {
	case errors.Is(err, admin.ErrNotFound):
		err = errNoSuchSession(prefix)
	case errors.Is(err, session.ErrEncrypted):
		return findEncrypted(ctx, store, id)
	}
	return s, err
}

// findEncrypted returns a session whose values cannot be read, without any.
func findEncrypted(ctx context.Context, store admin.Backend, id string) (admin.Session, error) {
	for s, err := range store.List(ctx, admin.Filter{}) {
		if err != nil || s.ID == id {
			s.Encrypted = sortedKeys(s.Components)
			return s, err
		}
	}
	return admin.Session{}, errNoSuchSession(id)
}

func errNoSuchSession(prefix string) error {
	return &toldError{fmt.Sprintf("no session %s: it may have ended; sessctl all lists those there are", prefix), admin.ErrNotFound}
}

// ambiguous says which sessions prefix could mean.
func ambiguous(ctx context.Context, store admin.Backend, prefix string, found []string) error {
	lines := []string{fmt.Sprintf("%s sessions begin with %s; give more digits of one of them:", atLeast(len(found), len(found)), prefix)}
	now := time.Now()
	for i, id := range found {
		if i == maxListed {
			lines = append(lines, fmt.Sprintf("  and %s more", atLeast(len(found)-i, len(found))))
			break
		}
		if s, err := store.Get(ctx, id); err == nil { // it may have ended meanwhile
			lines = append(lines, fmt.Sprintf("  %s  %s, last access %s", id, userName(s.User), relative(s.LastAccess, now)))
		}
	}
	return &toldError{text: strings.Join(lines, "\n")}
}

// atLeast returns n, which is the least if more were found than are counted.
func atLeast(n, found int) string {
	if found > maxCandidates {
		return fmt.Sprintf("at least %d", n)
	}
	return fmt.Sprint(n)
}
