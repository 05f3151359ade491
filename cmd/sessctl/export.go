package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/boltsession/session"
	"github.com/boltsession/session/admin"
	"github.com/spf13/cobra"
)

func newExport(std streams) *cobra.Command {
	out, keys := "", keySource{}
	cmd := &cobra.Command{
		Use:                   "export FILE [--out F] [--key-file K]...",
		DisableFlagsInUseLine: true,
		Short:                 "Write all sessions as JSON, one per line",
		Long: `Write the unexpired sessions with all they hold, one JSON object per line, for
import into another store, or for other programs. Types that JSON lacks keep their
meaning in tagged forms such as {"$bytes":"AQI="}, described in docs/format.md.

There are no tokens in it, but everything else: keep it as you keep the store. The
file F must not exist, is readable by you alone, and is there only once it is whole.

Values are written in clear. Encrypted ones of a file that no app has open need the
key. ` + keyHelp,
		Example: `  sessctl export sessions.db --out sessions.jsonl
  sessctl export sessions.db | ssh backup@example.org 'cat > sessions.jsonl'`,
		Args: operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withKeys(cmd.Context(), args[0], reading, keys, func(store *connection) error {
				if out == "" {
					return export(cmd.Context(), std, store, std.out)
				}
				return writeNew(out, func(w io.Writer) error {
					return export(cmd.Context(), std, store, w)
				})
			})
		},
	}
	keys.flag(cmd)
	cmd.Flags().StringVar(&out, "out", "", "write to this new file instead of standard output")
	return cmd
}

// export writes all sessions to w.
func export(ctx context.Context, std streams, store *connection, w io.Writer) error {
	ids, err := allIDs(ctx, store)
	if err != nil {
		return err
	}
	p := std.progress("export", countUnit)
	defer p.stop()
	p.total.Store(int64(len(ids)))
	p.start()
	out := bufio.NewWriter(w)
	for _, id := range ids {
		s, err := store.Get(ctx, id.String())
		switch {
		case errors.Is(err, admin.ErrNotFound): // it ended meanwhile
			p.done.Add(1)
			continue
		case err == nil && len(s.Encrypted) > 0:
			err = session.ErrEncrypted
		}
		if err != nil {
			return errors.Join(err, out.Flush())
		}
		if err := writeJSON(out, newExported(s)); err != nil {
			return fmt.Errorf("write export: %w", err)
		}
		p.done.Add(1)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	return nil
}

// allIDs returns the IDs of all sessions. An app does not wait for long while it lists them, but
// whoever reads an export may take their time.
func allIDs(ctx context.Context, store *connection) (ids []session.ID, err error) {
	for s, err := range store.List(ctx, admin.Filter{}) {
		if err != nil {
			return nil, err
		}
		id, err := session.ParseID(s.ID)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}
