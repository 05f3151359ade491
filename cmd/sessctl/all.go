package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/boltsession/session"
	"github.com/spf13/cobra"
)

func newAll(std streams) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:                   "all FILE [--json]",
		DisableFlagsInUseLine: true,
		Short:                 "List the unexpired sessions",
		Long: `List the unexpired sessions, those used last first: the first 12 digits of the
ID, the user, the times and how many keys there are, in the global component and
in each of the named ones. With --json one object per line, in no order, with
whole IDs and times in UTC.`,
		Example: `  sessctl all sessions.db
  sessctl all sessions.db --json | jq -r 'select(.user == "anna").id'`,
		Args: operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return reading(args[0], func(store *session.BoltStore) error {
				if asJSON {
					return listJSON(cmd.Context(), std.out, store)
				}
				return listTable(cmd.Context(), std, store)
			})
		},
	}
	jsonFlag(cmd, &asJSON, "one object per session, with the number of keys by component")
	return cmd
}

// listedSession is a session in JSON, with what is told of its components.
type listedSession[C any] struct {
	ID         session.ID   `json:"id"`
	User       string       `json:"user"`
	Created    time.Time    `json:"created"`
	LastAccess time.Time    `json:"last_access"`
	Expires    time.Time    `json:"expires"`
	Components map[string]C `json:"components"`
}

func listJSON(ctx context.Context, w io.Writer, store session.Lister) error {
	out := bufio.NewWriter(w)
	for info, err := range store.All(ctx) {
		if err != nil {
			out.Flush()
			return err
		}
		keys := info.Components
		if keys == nil {
			keys = map[string]int{}
		}
		err := writeJSON(out, listedSession[int]{
			ID: info.ID, User: info.User, Components: keys,
			Created: info.Created.UTC(), LastAccess: info.LastAccess.UTC(), Expires: info.ExpiresAt().UTC(),
		})
		if err != nil {
			return err
		}
	}
	return out.Flush()
}

func listTable(ctx context.Context, std streams, store session.Lister) error {
	infos, err := collect(store.All(ctx))
	if err != nil {
		return err
	}
	if len(infos) == 0 {
		fmt.Fprintln(std.err, "no sessions")
		return nil
	}
	slices.SortFunc(infos, func(a, b session.Info) int {
		return cmp.Or(b.LastAccess.Compare(a.LastAccess), slices.Compare(a.ID[:], b.ID[:]))
	})
	now := time.Now()
	t := table{
		head: []string{"ID", "USER", "CREATED", "LAST ACCESS", "EXPIRES", "KEYS"},
		give: []int{5, 1},
	}
	for _, info := range infos {
		t.rows = append(t.rows, []string{
			info.ID.Short(), userName(info.User), relative(info.Created, now),
			relative(info.LastAccess, now), relative(info.ExpiresAt(), now), keyCounts(info.Components),
		})
	}
	out := bufio.NewWriter(std.out)
	if err := t.write(out, lineWidth(std.out)); err != nil {
		return err
	}
	return out.Flush()
}

// collect returns the sessions of a sequence.
func collect(seq func(func(session.Info, error) bool)) (infos []session.Info, err error) {
	for info, err := range seq {
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}

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

// keyCounts says how many keys there are: "4, cart 2". The global component has no name.
func keyCounts(components map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(components)) {
		if name == "" {
			parts = append(parts, fmt.Sprint(components[name]))
		} else {
			parts = append(parts, fmt.Sprintf("%s %d", printable(name), components[name]))
		}
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}
