package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/boltsession/session/admin"
	"github.com/spf13/cobra"
)

// ending is what destroy was asked for.
type ending struct {
	prefixes []string
	user     string
}

func newDestroy(std streams) *cobra.Command {
	var e ending
	yes, asJSON := false, false
	cmd := &cobra.Command{
		Use:                   "destroy FILE (ID... | --user U) [--yes] [--json]",
		DisableFlagsInUseLine: true,
		Short:                 "End some sessions, or all of a user",
		Long: `End sessions: whoever has one of them is logged out, and what it held is gone.
Requests that an app is answering meanwhile see the end at once. The ends are on
disk when the command is done.

An ID may be cut to its first digits, at least 4, if no other session has them.
If one of several IDs is wrong, none is destroyed. It asks before; without a
terminal to ask on it needs --yes. It prints how many sessions it removed.`,
		Example: `  sessctl destroy sessions.db 3f2a11
  sessctl destroy sessions.db --user anna --yes`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) < 1:
				return operands(1, 1)(cmd, args)
			case len(args) == 1 && e.user == "":
				return usagef("which sessions? Give their IDs, or --user; sessctl clear ends all")
			case len(args) > 1 && e.user != "":
				return usagef("give either IDs or --user, not both")
			}
			return nil
		},
		ValidArgsFunction: completeIDs,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, arg := range args[1:] {
				prefix, err := parsePrefix(arg)
				if err != nil {
					return err
				}
				e.prefixes = append(e.prefixes, prefix)
			}
			ctx := cmd.Context()
			ask := confirmation{yes, "destroy ends sessions", std}
			if err := ask.check(ctx, func() (string, error) { return e.describe(ctx, args[0]) }); err != nil {
				return err
			}
			return with(ctx, args[0], writing, func(store *connection) error {
				n, err := e.run(ctx, store)
				if err != nil {
					return err
				}
				return printRemoved(std, args[0], asJSON, n)
			})
		},
	}
	cmd.Flags().StringVar(&e.user, "user", "", "all sessions of this user")
	yesFlag(cmd, &yes)
	jsonFlag(cmd, &asJSON, `{"removed":1}`)
	return cmd
}

func (e *ending) run(ctx context.Context, store *connection) (int, error) {
	if e.user != "" {
		return store.DestroyUser(ctx, e.user)
	}
	ids := make([]string, len(e.prefixes))
	for i, prefix := range e.prefixes {
		s, err := findSession(ctx, store, prefix)
		if err != nil {
			return 0, err
		}
		ids[i] = s.ID
	}
	return store.Destroy(ctx, ids...)
}

// describe says what run will do.
func (e *ending) describe(ctx context.Context, path string) (text string, err error) {
	err = with(ctx, path, reading, func(store *connection) error {
		if e.user != "" {
			text, err = describeUser(ctx, store, e.user)
			return err
		}
		text, err = e.describeIDs(ctx, store)
		return err
	})
	return text, err
}

func describeUser(ctx context.Context, store *connection, user string) (string, error) {
	n := 0
	for _, err := range store.List(ctx, admin.Filter{User: user}) {
		if err != nil {
			return "", err
		}
		n++
	}
	return fmt.Sprintf("This removes %s of %s, and it cannot be undone.", count(n, "session"), printable(user)), nil
}

func (e *ending) describeIDs(ctx context.Context, store *connection) (string, error) {
	lines := []string{"This removes, and it cannot be undone:"}
	now := time.Now()
	for _, prefix := range e.prefixes {
		s, err := findSession(ctx, store, prefix)
		if err != nil {
			return "", err
		}
		lines = append(lines, fmt.Sprintf("  %s  %s, last access %s", s.ID, userName(s.User), relative(s.LastAccess, now)))
	}
	return strings.Join(lines, "\n"), nil
}

// completeIDs completes the IDs of a command whose first argument is FILE.
func completeIDs(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return nil, cobra.ShellCompDirectiveDefault // files
	}
	var ids []string
	err := with(cmd.Context(), args[0], reading, func(store *connection) (err error) {
		ids, err = store.Find(cmd.Context(), strings.ToLower(typed), maxCandidates)
		return err
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
