package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/boltsession/session/admin"
	"github.com/spf13/cobra"
)

// listing is what all was asked for.
type listing struct {
	filter admin.Filter
	limit  int
	asJSON bool
}

func newAll(std streams) *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use:                   "all FILE [--user U] [--component C] [--older D] [--limit N] [--json]",
		Aliases:               []string{"list"},
		DisableFlagsInUseLine: true,
		Short:                 "List the unexpired sessions",
		Long: `List the unexpired sessions, those used last first: the first 12 digits of the
ID, the user, the times and how many keys there are, in the global component and
in each of the named ones. With --json one object per line, with whole IDs and
times in UTC; the number of keys is -1 where it is encrypted.

Several conditions must all hold. A duration is a number and a unit, as in 90s,
15m, 4h or 30d.`,
		Example: `  sessctl all sessions.db
  sessctl all sessions.db --user anna --older 7d
  sessctl all sessions.db --limit 20
  sessctl all sessions.db --json | jq -r 'select(.components.cart > 10).id'`,
		Args: operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if l.limit < 0 {
				return usagef("--limit is %d, it cannot be negative", l.limit)
			}
			return with(cmd.Context(), args[0], reading, func(store *connection) error {
				return l.run(cmd.Context(), std, store)
			})
		},
	}
	cmd.Flags().StringVar(&l.filter.User, "user", "", "only sessions of this user")
	cmd.Flags().StringVar(&l.filter.Component, "component", "", "only sessions with values in this component")
	cmd.Flags().Var((*durationFlag)(&l.filter.Older), "older", "only sessions that were not used for this long")
	cmd.Flags().IntVar(&l.limit, "limit", 0, "at most so many, 0 for all")
	jsonFlag(cmd, &l.asJSON, "one object per session, with the number of keys by component")
	return cmd
}

func (l *listing) run(ctx context.Context, std streams, store *connection) error {
	sessions, err := l.collect(ctx, std, store)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(std.out)
	if l.asJSON {
		err = listJSON(out, sessions)
	} else if len(sessions) == 0 {
		fmt.Fprintln(std.err, "no sessions")
	} else {
		err = listTable(out, lineWidth(std.out), sessions)
	}
	return cmp.Or(err, out.Flush())
}

// collect returns the sessions that were asked for, those used last first.
func (l *listing) collect(ctx context.Context, std streams, store *connection) (sessions []admin.Session, err error) {
	p := std.progress("list", countUnit)
	defer p.stop()
	total, err := store.Length(ctx)
	if err != nil {
		return nil, err
	}
	p.total.Store(int64(total))
	p.start()
	lastUsedFirst := func(a, b admin.Session) int {
		return cmp.Or(b.LastAccess.Compare(a.LastAccess), strings.Compare(a.ID, b.ID))
	}
	cut := func() {
		slices.SortFunc(sessions, lastUsedFirst)
		if l.limit > 0 && len(sessions) > l.limit {
			sessions = slices.Delete(sessions, l.limit, len(sessions))
		}
	}
	for s, err := range store.List(ctx, l.filter) {
		if err != nil {
			return nil, err
		}
		p.done.Add(1)
		sessions = append(sessions, s)
		if l.limit > 0 && len(sessions) >= 2*l.limit+1024 {
			cut() // what is not asked for takes no memory
		}
	}
	cut()
	return sessions, nil
}

// listedSession is a session in JSON, with what is told of its components.
type listedSession[C any] struct {
	ID         string       `json:"id"`
	User       string       `json:"user"`
	Created    time.Time    `json:"created"`
	LastAccess time.Time    `json:"last_access"`
	Expires    time.Time    `json:"expires"`
	Components map[string]C `json:"components"`
}

func newListed[C any](s admin.Session, components map[string]C) listedSession[C] {
	if components == nil {
		components = map[string]C{}
	}
	return listedSession[C]{
		ID: s.ID, User: s.User, Components: components,
		Created: s.Created.UTC(), LastAccess: s.LastAccess.UTC(), Expires: s.Expires.UTC(),
	}
}

func listJSON(w io.Writer, sessions []admin.Session) error {
	for _, s := range sessions {
		if err := writeJSON(w, newListed(s, s.Components)); err != nil {
			return err
		}
	}
	return nil
}

func listTable(w io.Writer, width int, sessions []admin.Session) error {
	now := time.Now()
	t := table{
		head: []string{"ID", "USER", "CREATED", "LAST ACCESS", "EXPIRES", "KEYS"},
		give: []int{5, 1},
		omit: []int{2, 5, 4},
	}
	for _, s := range sessions {
		t.rows = append(t.rows, []string{
			shortID(s.ID), userName(s.User), relative(s.Created, now),
			relative(s.LastAccess, now), relative(s.Expires, now), keyCounts(s.Components),
		})
	}
	return t.write(w, width)
}

// keyCounts says how many keys there are: "4, cart 2". The global component has no name.
func keyCounts(components map[string]int) string {
	var parts []string
	for _, name := range sortedKeys(components) {
		count := "encrypted"
		if n := components[name]; n >= 0 {
			count = fmt.Sprint(n)
		}
		if name != "" {
			count = printable(name) + " " + count
		}
		parts = append(parts, count)
	}
	return cmp.Or(strings.Join(parts, ", "), "-")
}
