package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
)

func newImport(std streams) *cobra.Command {
	replace, asJSON, keys := false, false, keySource{}
	cmd := &cobra.Command{
		Use:                   "import FILE [IN] [--replace] [--key-file K]... [--json]",
		DisableFlagsInUseLine: true,
		Short:                 "Store sessions that export wrote",
		Long: `Store the sessions of an export, from the file IN or from standard input, with
their IDs, ages and users: whoever has the token of one goes on with it. FILE is a
store, also one that an app has open, or a new file, which is made.

A session that is there already is left as it is, or replaced with --replace. One
that has expired since is left out. After an interruption or an error what came
before is stored, and the same import can be run again.

The values are encrypted if a key is given and no app has FILE open. ` + keyHelp,
		Example: `  sessctl import sessions.db sessions.jsonl
  sessctl export old.db | sessctl import new.db`,
		Args: operands(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, size, err := openInput(std, args[1:])
			if err != nil {
				return err
			}
			defer in.Close()
			return withKeys(cmd.Context(), args[0], creating, keys, func(store *connection) error {
				im := newImporter(store, replace)
				if err := im.run(cmd.Context(), std, in, size); err != nil {
					return im.explain(cmd.Context(), err)
				}
				return im.print(std, args[0], asJSON)
			})
		},
	}
	keys.flag(cmd)
	cmd.Flags().BoolVar(&replace, "replace", false, "replace sessions that are there already")
	jsonFlag(cmd, &asJSON, `{"imported":12,"existing":0,"expired":3}`)
	return cmd
}

// openInput opens the file to read from, and returns how large it is, 0 if nobody knows.
func openInput(std streams, args []string) (io.ReadCloser, int64, error) {
	if len(args) == 0 || args[0] == "-" {
		if isTerminal(std.in) {
			return nil, 0, usagef("which file is to be imported? Name it as IN, or send it to standard input")
		}
		return io.NopCloser(std.in), 0, nil
	}
	f, err := os.Open(args[0])
	if err != nil {
		return nil, 0, fmt.Errorf("open export: %w", err)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = &fs.PathError{Op: "read", Path: args[0], Err: fmt.Errorf("is a directory")}
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// print tells what came of an import.
func (im *importer) print(std streams, path string, asJSON bool) error {
	if asJSON {
		return writeJSON(std.out, struct {
			Imported int `json:"imported"`
			Existing int `json:"existing"`
			Expired  int `json:"expired"`
		}{im.imported, im.existing, im.expired})
	}
	if im.existing > 0 {
		fmt.Fprintf(std.err, "%s there already, left as they were\n", count(im.existing, "session"))
	}
	if im.expired > 0 {
		fmt.Fprintf(std.err, "%s expired since, left out\n", count(im.expired, "session"))
	}
	fmt.Fprintf(std.err, "sessions imported into %s:\n", printable(path))
	_, err := fmt.Fprintln(std.out, im.imported)
	return err
}

// explain adds to an error how far the import came.
func (im *importer) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &toldError{fmt.Sprintf("interrupted; at least %s stored, run it again to go on", count(im.imported, "session")), ctx.Err()}
	}
	return fmt.Errorf("%w; stored before that, and left there: %s", err, count(im.imported, "session"))
}
