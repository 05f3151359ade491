package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

func newBackup(std streams) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:                   "backup FILE DEST [--json]",
		DisableFlagsInUseLine: true,
		Short:                 "Copy a store to a new file",
		Long: `Copy a store as it is now to a new file, while an app goes on reading and writing.
The copy is a store like any other. It is on disk and verified before it gets its
name: after an interruption there is no file DEST. DEST must not exist.

A copy made by cp of a file that an app has open is worth nothing.`,
		Example: `  sessctl backup sessions.db /backup/sessions-$(date +%F).db`,
		Args:    twoOperands("DEST", "the file that the copy becomes"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dest, err := destination(args[1])
			if err != nil {
				return err
			}
			return with(cmd.Context(), args[0], reading, func(store *connection) error {
				if err := backup(cmd.Context(), std, store, dest); err != nil {
					return err
				}
				return printBackup(std, dest, asJSON)
			})
		},
	}
	jsonFlag(cmd, &asJSON, `{"path":"/backup/sessions.db","bytes":32768}`)
	return cmd
}

// destination returns the absolute path of a new file: the app has another working directory.
func destination(path string) (string, error) {
	dest, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Dir(dest)); errors.Is(err, fs.ErrNotExist) {
		return "", &toldError{printable(filepath.Dir(path)) + ": no such directory; make it first", err}
	}
	switch info, err := os.Lstat(dest); {
	case errors.Is(err, fs.ErrNotExist):
		return dest, nil
	case err == nil && info.IsDir():
		return "", &toldError{text: printable(path) + " is a directory; name a file in it"}
	case err == nil:
		return "", &toldError{printable(path) + " exists already; choose another name, a backup replaces nothing", fs.ErrExist}
	}
	return dest, nil
}

func backup(ctx context.Context, std streams, store *connection, dest string) error {
	p := std.progress("back up", bytesUnit)
	defer p.stop()
	stats, err := store.Stats(ctx)
	if err != nil {
		return err
	}
	p.total.Store(stats.FileBytes)
	p.poll = growth(dest)
	p.start()
	return store.Backup(ctx, dest)
}

func printBackup(std streams, dest string, asJSON bool) error {
	info, err := os.Stat(dest)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(std.out, struct {
			Path  string `json:"path"`
			Bytes int64  `json:"bytes"`
		}{dest, info.Size()})
	}
	_, err = fmt.Fprintf(std.out, "%s: %s, verified\n", printable(dest), bytesText(info.Size()))
	return err
}
