package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/boltsession/session/admin"
)

// storeReport is what inspect tells of a store.
type storeReport struct {
	File       string         `json:"file"`
	Format     int            `json:"format"`
	Size       int64          `json:"size"` // bytes
	Free       int64          `json:"free"` // bytes of the file that new data will use first
	Sessions   int            `json:"sessions"`
	Expired    int            `json:"expired"` // and not reaped yet
	Users      int            `json:"users"`
	Anonymous  int            `json:"anonymous"`  // sessions of no user
	Components map[string]int `json:"components"` // sessions that have it
	Ages       []ageGroup     `json:"ages"`
}

// ageGroup counts sessions by their age.
type ageGroup struct {
	Under    string `json:"under,omitempty"` // empty: all that are older
	Sessions int    `json:"sessions"`

	limit time.Duration
}

// ages returns the groups, all empty. They end where a day's work and the default lifetime do.
func ages() []ageGroup {
	groups := []ageGroup{
		{limit: 10 * time.Minute}, {limit: time.Hour}, {limit: 4 * time.Hour}, {limit: day},
		{limit: 7 * day}, {limit: 30 * day}, {},
	}
	for i := range groups[:len(groups)-1] {
		groups[i].Under = span(groups[i].limit)
	}
	return groups
}

// inspectStore prints what is in a store.
func inspectStore(ctx context.Context, std streams, store *connection, asJSON bool) error {
	stats, err := store.Stats(ctx)
	if err != nil {
		return err
	}
	stats = onDisk(stats, store.path)
	r := storeReport{
		File: store.path, Format: stats.Format, Size: stats.FileBytes, Free: stats.FreeBytes,
		Components: map[string]int{}, Ages: ages(),
	}
	if err := r.count(ctx, std, store, int64(stats.Sessions)); err != nil {
		return err
	}
	r.Expired = max(0, stats.Sessions-r.Sessions)
	if asJSON {
		return writeJSON(std.out, r)
	}
	return r.print(std.out, lineWidth(std.out))
}

// count counts all sessions.
func (r *storeReport) count(ctx context.Context, std streams, store *connection, total int64) error {
	p := std.progress("read", countUnit)
	defer p.stop()
	p.total.Store(total)
	p.start()
	users := map[string]bool{}
	now := time.Now()
	for s, err := range store.List(ctx, admin.Filter{}) {
		if err != nil {
			return err
		}
		r.add(s, now)
		users[s.User] = true
		p.done.Add(1)
	}
	delete(users, "")
	r.Users = len(users)
	return nil
}

// add counts a session.
func (r *storeReport) add(s admin.Session, now time.Time) {
	r.Sessions++
	if s.User == "" {
		r.Anonymous++
	}
	for name := range s.Components {
		r.Components[name]++
	}
	age := now.Sub(s.Created)
	i := slices.IndexFunc(r.Ages, func(g ageGroup) bool { return g.limit == 0 || age < g.limit })
	r.Ages[i].Sessions++
}

// maxComponents is how many components are printed for people.
const maxComponents = 20

func (r *storeReport) print(w io.Writer, width int) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "file\t%s\n", printable(r.File))
	fmt.Fprintf(out, "format\t%d\n", r.Format)
	fmt.Fprintf(out, "size\t%s, %s of it free\n", bytesText(r.Size), bytesText(r.Free))
	fmt.Fprintf(out, "sessions\t%d\n", r.Sessions)
	fmt.Fprintf(out, "expired\t%d, not reaped yet\n", r.Expired)
	fmt.Fprintf(out, "users\t%d\n", r.Users)
	fmt.Fprintf(out, "anonymous\t%d\n", r.Anonymous)
	if err := out.Flush(); err != nil {
		return err
	}
	if r.Sessions == 0 {
		return nil
	}
	fmt.Fprint(out, "\nsessions by component\n")
	names := sortedKeys(r.Components)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(r.Components[b], r.Components[a]) })
	for i, name := range names {
		if i == maxComponents {
			fmt.Fprintf(out, "  and %d more\t\n", len(names)-i)
			break
		}
		fmt.Fprintf(out, "  %s\t%d\n", componentName(name), r.Components[name])
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return r.printAges(w, width)
}

// printAges draws the histogram.
func (r *storeReport) printAges(w io.Writer, width int) error {
	longest := 40
	if width > 0 {
		longest = max(4, min(longest, width-24))
	}
	most := slices.MaxFunc(r.Ages, func(a, b ageGroup) int { return cmp.Compare(a.Sessions, b.Sessions) }).Sessions
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(out, "\nsessions by age\n")
	for _, g := range r.Ages {
		label := "under " + g.Under
		if g.Under == "" {
			label = "older"
		}
		fmt.Fprintf(out, "  %s\t%d", label, g.Sessions)
		if g.Sessions > 0 {
			bar := (g.Sessions*longest + most - 1) / most // one session shows, too
			fmt.Fprintf(out, "\t%s", strings.Repeat("#", bar))
		}
		fmt.Fprintln(out)
	}
	return out.Flush()
}
