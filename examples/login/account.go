package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/boltsession/session"
)

// loginRow is one of a user's sessions, as the account page shows it.
type loginRow struct {
	ID      session.ID // names the session and opens nothing: it may stand in a page
	Device  string
	Since   string
	Used    string
	Current bool

	used time.Time
}

// showAccount lists the devices on which the user is logged in.
func (sh *shop) showAccount(w http.ResponseWriter, r *http.Request) error {
	s := session.From(r)
	if s.User() == "" {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return nil
	}
	cart, err := cartOf(r)
	if err != nil {
		return err
	}
	rows, err := sh.logins(r.Context(), s)
	if err != nil {
		return err
	}
	return sh.pages.show(w, http.StatusOK, "account", accountPage{common: commonOf(r, cart), Logins: rows})
}

// logins returns the sessions of the user of s, s first, then those used last.
func (sh *shop) logins(ctx context.Context, s *session.Session) ([]loginRow, error) {
	infos, err := sh.users.ByUser(ctx, s.User())
	if err != nil {
		return nil, fmt.Errorf("find sessions of user: %w", err)
	}
	now := time.Now()
	var rows []loginRow
	for _, info := range infos {
		other, err := sh.sessions.Store().Get(ctx, info.ID) // a copy, to look at
		if errors.Is(err, session.ErrNotFound) {
			continue // ended meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("read session of user: %w", err)
		}
		ua, _ := device.Get(other)
		rows = append(rows, loginRow{
			ID: info.ID, Device: deviceName(ua), Current: info.ID == s.ID(),
			Since: ago(now.Sub(info.Created)), Used: ago(now.Sub(info.LastAccess)), used: info.LastAccess,
		})
	}
	slices.SortFunc(rows, func(a, b loginRow) int {
		if a.Current != b.Current {
			return map[bool]int{true: -1, false: 1}[a.Current]
		}
		return cmp.Or(b.used.Compare(a.used), slices.Compare(a.ID[:], b.ID[:]))
	})
	return rows, nil
}

// ago says how long ago something was.
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", d/time.Hour)
	}
	return fmt.Sprintf("%d days ago", d/(24*time.Hour))
}

// endDevice logs out one of the user's devices. Nobody else's: an ID is no secret.
func (sh *shop) endDevice(w http.ResponseWriter, r *http.Request) error {
	s := session.From(r)
	id, err := session.ParseID(r.PostFormValue("id"))
	if err != nil {
		return badRequest("There is no such device.")
	}
	if id == s.ID() {
		return sh.logout(w, r)
	}
	rows, err := sh.logins(r.Context(), s)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(rows, func(row loginRow) bool { return row.ID == id }) {
		return back(w, r, "/account", "That device is logged out already.")
	}
	if err := sh.sessions.Store().Destroy(r.Context(), id); err != nil {
		return fmt.Errorf("log out device: %w", err)
	}
	sh.hub.tell(s.User())
	return back(w, r, "/account", "The device is logged out.")
}

// endOthers logs out all of the user's devices but this one. Their pages notice at once.
func (sh *shop) endOthers(w http.ResponseWriter, r *http.Request) error {
	s := session.From(r)
	if s.User() == "" {
		return back(w, r, "/login", "")
	}
	n, err := sh.users.DestroyUser(r.Context(), s.User(), s.ID())
	if err != nil {
		return fmt.Errorf("log out other devices: %w", err)
	}
	sh.hub.tell(s.User())
	message := fmt.Sprintf("%d other devices are logged out.", n)
	switch n {
	case 0:
		message = "You were logged in nowhere else."
	case 1:
		message = "The other device is logged out."
	}
	return back(w, r, "/account", message)
}
