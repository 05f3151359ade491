package main

import "github.com/spf13/cobra"

func newReap(std streams) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:                   "reap FILE [--json]",
		DisableFlagsInUseLine: true,
		Short:                 "Delete expired sessions now",
		Long: `Delete the expired sessions now, instead of when the app's reaper runs next. Nobody
gets to see an expired session anyway: it makes room in the file. It prints how
many sessions it removed.`,
		Example: `  sessctl reap sessions.db`,
		Args:    operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return with(cmd.Context(), args[0], writing, func(store *connection) error {
				n, err := store.Reap(cmd.Context())
				if err != nil {
					return err
				}
				return printRemoved(std, args[0], asJSON, n)
			})
		},
	}
	jsonFlag(cmd, &asJSON, `{"removed":12}`)
	return cmd
}
