package main

import (
	"context"
	"fmt"

	"github.com/boltsession/session/admin"
	"github.com/spf13/cobra"
)

func newCompact(std streams) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:                   "compact FILE [--json]",
		DisableFlagsInUseLine: true,
		Short:                 "Give free pages back to the system",
		Long: `Give the free pages of a store's file back to the system: a compact copy is written
beside it, verified, and put in its place. If an app has the store open it goes on
reading; its writes wait, about a second for each gigabyte. The disk needs room for
the copy. After an interruption the file is as it was.`,
		Example: `  sessctl compact sessions.db`,
		Args:    operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return with(cmd.Context(), args[0], writing, func(store *connection) error {
				c, err := compact(cmd.Context(), std, store)
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(std.out, c)
				}
				_, err = fmt.Fprintf(std.out, "%s → %s\n", bytesText(c.Before), bytesText(c.After))
				return err
			})
		},
	}
	jsonFlag(cmd, &asJSON, `{"before":4194304,"after":32768}`)
	return cmd
}

func compact(ctx context.Context, std streams, store *connection) (admin.Compaction, error) {
	p := std.progress("compact", bytesUnit)
	defer p.stop()
	stats, err := store.Stats(ctx)
	if err != nil {
		return admin.Compaction{}, err
	}
	p.total.Store(max(1, stats.FileBytes-stats.FreeBytes))
	p.poll = growth(store.path)
	p.start()
	return store.Compact(ctx)
}
