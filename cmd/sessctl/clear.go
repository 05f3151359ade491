package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/boltsession/session"
	"github.com/spf13/cobra"
)

func newClear(std streams) *cobra.Command {
	yes, asJSON := false, false
	cmd := &cobra.Command{
		Use:                   "clear FILE [--yes] [--json]",
		DisableFlagsInUseLine: true,
		Short:                 "End all sessions",
		Long: `End all sessions: everybody is logged out, and what their sessions held is gone.
It asks before; without a terminal to ask on it needs --yes, and exits with
status 2 otherwise. It prints how many sessions it removed.`,
		Example: `  sessctl clear sessions.db
  sessctl clear sessions.db --yes`,
		Args: operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !yes {
				if err := confirmClear(cmd, std, args[0]); err != nil {
					return err
				}
			}
			return writing(args[0], func(store *session.BoltStore) error {
				n, err := store.Clear(cmd.Context())
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(std.out, struct {
						Removed int `json:"removed"`
					}{n})
				}
				fmt.Fprintf(std.err, "sessions removed from %s:\n", printable(args[0]))
				_, err = fmt.Fprintln(std.out, n)
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	jsonFlag(cmd, &asJSON, `{"removed":12}`)
	return cmd
}

// confirmClear asks whether all sessions are to be ended. The file is not held open while it
// waits: the app could not start meanwhile.
func confirmClear(cmd *cobra.Command, std streams, path string) error {
	if !isTerminal(std.in) {
		return usagef("clear ends all sessions and there is no terminal to ask on; add --yes if you mean it")
	}
	n := 0
	err := reading(path, func(store *session.BoltStore) (err error) {
		n, err = store.Length(cmd.Context())
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(std.err, "This removes all sessions of %s, %d of them unexpired: everybody is logged out, and it cannot be undone.\nGo on? [y/N] ", printable(path), n)
	answer, _ := bufio.NewReader(std.in).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return fmt.Errorf("not confirmed, nothing was removed")
}
