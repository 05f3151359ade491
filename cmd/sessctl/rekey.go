package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/boltsession/session"
	"github.com/spf13/cobra"
)

func newRekey(std streams) *cobra.Command {
	asJSON, keys := false, keySource{}
	cmd := &cobra.Command{
		Use:                   "rekey FILE [--key-file F]... [--json]",
		DisableFlagsInUseLine: true,
		Short:                 "Encrypt all values with another key",
		Long: `Encrypt all values of a store with the first key that is given: those that are under
one of the other keys, and those that are not encrypted yet. Give the new key first
and then all that are in use; afterwards the new one alone is needed. It may be
interrupted at any time and goes on where it was when it is run again.

` + keyHelp + `

Old values stay in free pages of the file until sessctl compact, and in older
backups. An app that is to go on using the file must be given the new key. While an
app has the file open, have it call BoltStore.Rekey instead.`,
		Example: `  (umask 077; openssl rand -hex 32 >new.key)
  sessctl rekey sessions.db --key-file new.key --key-file old.key
  sessctl compact sessions.db`,
		Args: operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			given, err := keys.load()
			if err != nil {
				return err
			}
			if len(given) == 0 {
				return usagef("which key? Name the new one with --key-file, or put it into %s", keysVariable)
			}
			return rekeyed(args[0], given, func(store *session.BoltStore) error {
				p := std.progress("rekey", countUnit)
				p.poll = func() int64 { return int64(store.Stats().Rekeyed) }
				p.start()
				report, err := store.Rekey(cmd.Context())
				p.stop()
				return errors.Join(printRekeyed(std, args[0], report, asJSON), err)
			})
		},
	}
	keys.flag(cmd)
	jsonFlag(cmd, &asJSON, `{"records":12,"rewritten":10,"locked":0,"damaged":0}`)
	return cmd
}

// rekeyed calls f with the store in the file path: rekeying needs the file itself.
func rekeyed(path string, keys [][]byte, f func(*session.BoltStore) error) error {
	// Open makes a store where there is no file.
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return &noStoreError{path}
	}
	store, err := session.Open(path, &session.BoltOptions{
		Keys: keys, Reap: session.Never, NoSocket: true, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	err = f(store)
	if errors.Is(err, session.ErrEncrypted) {
		err = errors.New("some values are under a key that was not given, and were left as they are; add it with another --key-file and run it again")
	}
	return errors.Join(err, store.Close())
}

// printRekeyed prints how much was done, also of a run that failed.
func printRekeyed(std streams, path string, r session.RekeyReport, asJSON bool) error {
	if asJSON {
		return writeJSON(std.out, r)
	}
	if r.Rewritten > 0 {
		defer fmt.Fprintf(std.err, "old values are still in free pages of the file: sessctl compact %s\n", printable(path))
	}
	_, err := fmt.Fprintf(std.out, "records    %d\nrewritten  %d\nlocked     %d\ndamaged    %d\n", r.Records, r.Rewritten, r.Locked, r.Damaged)
	return err
}
