package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func newClear(std streams) *cobra.Command {
	yes, asJSON := false, false
	cmd := &cobra.Command{
		Use:                   "clear FILE [--yes] [--json]",
		DisableFlagsInUseLine: true,
		Short:                 "End all sessions",
		Long: `End all sessions: everybody is logged out, and what their sessions held is gone.
Requests that an app is answering meanwhile see the end at once.

It asks before; without a terminal to ask on it needs --yes, and exits with
status 2 otherwise. It prints how many sessions it removed.`,
		Example: `  sessctl clear sessions.db
  sessctl clear sessions.db --yes`,
		Args: operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			ask := confirmation{yes, "clear ends all sessions", std}
			err := ask.check(ctx, func() (string, error) { return describeClear(ctx, args[0]) })
			if err != nil {
				return err
			}
			return with(ctx, args[0], writing, func(store *connection) error {
				n, err := store.Clear(ctx)
				if err != nil {
					return err
				}
				return printRemoved(std, args[0], asJSON, n)
			})
		},
	}
	yesFlag(cmd, &yes)
	jsonFlag(cmd, &asJSON, `{"removed":12}`)
	return cmd
}

// describeClear says what clear will do.
func describeClear(ctx context.Context, path string) (text string, err error) {
	err = with(ctx, path, reading, func(store *connection) error {
		n, err := store.Length(ctx)
		text = fmt.Sprintf("This removes all sessions of %s, %d of them unexpired: everybody is logged out, and it cannot be undone.",
			printable(path), n)
		return err
	})
	return text, err
}

// yesFlag adds the flag --yes to a command that asks.
func yesFlag(cmd *cobra.Command, yes *bool) {
	cmd.Flags().BoolVar(yes, "yes", false, "do not ask")
}
