package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newLength(std streams) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:                   "length FILE [--json]",
		DisableFlagsInUseLine: true,
		Short:                 "Print the number of unexpired sessions",
		Long: `Print the number of unexpired sessions, those of an app that has the store open
included that it has not written to the file yet.`,
		Example: `  sessctl length sessions.db
  sessctl length sessions.db --json`,
		Args: operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return with(cmd.Context(), args[0], reading, func(store *connection) error {
				n, err := store.Length(cmd.Context())
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(std.out, struct {
						Length int `json:"length"`
					}{n})
				}
				_, err = fmt.Fprintln(std.out, n)
				return err
			})
		},
	}
	jsonFlag(cmd, &asJSON, `{"length":12}`)
	return cmd
}
