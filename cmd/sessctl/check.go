package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/boltsession/session"
	"github.com/spf13/cobra"
)

func newCheck(std streams) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:                   "check FILE [--json]",
		DisableFlagsInUseLine: true,
		Short:                 "Say whether a store's file is sound",
		Long: `Say whether a store's file is sound: each page and what leads to it, the checksum of
each record, and whether sessions, components and indexes agree. It only reads, needs no
key, and works beside an app that has the file open.

The exit status is 0 when the file is sound and 1 when it is damaged: then each damaged
page is listed with what is wrong with it.`,
		Example: `  sessctl check sessions.db
  sessctl check backup.db --json | jq -r '.problems[]?.problem'`,
		Args: operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := session.Check(cmd.Context(), args[0])
			var corrupt *session.CorruptError
			if err != nil && !errors.As(err, &corrupt) {
				return err
			}
			if err := printCheck(std, args[0], report, asJSON); err != nil || corrupt == nil {
				return err
			}
			return fmt.Errorf("%s is damaged; stop the app, then restore a backup, or save what can be saved: sessctl recover %s NEW", args[0], args[0])
		},
	}
	jsonFlag(cmd, &asJSON, `one object with "sound" and, if it is not, "problems"`)
	return cmd
}

// checkedFile is what check prints in JSON.
type checkedFile struct {
	File  string `json:"file"`
	Sound bool   `json:"sound"`
	session.CheckReport
}

func printCheck(std streams, path string, r session.CheckReport, asJSON bool) error {
	sound := len(r.Problems) == 0
	if asJSON {
		return writeJSON(std.out, checkedFile{path, sound, r})
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(std.err, "%s: %s\n", printable(path), printable(w))
	}
	if !sound {
		return printProblems(std.out, r.Problems, r.Unreported)
	}
	_, err := fmt.Fprintf(std.out, "%s is sound: %s, %s, %s and the indexes agree%s\n", printable(path),
		count(int(r.Pages), "page"), count(r.Records, "record"), count(r.Sessions, "session"), inUse(r))
	return err
}

func inUse(r session.CheckReport) string {
	if r.InUse {
		return ", while an app has it open"
	}
	return ""
}

// printProblems prints what is wrong with a file, a line per page.
func printProblems(w io.Writer, problems []session.Problem, more int) error {
	for _, p := range problems {
		where := "file"
		if p.Page > 0 {
			where = fmt.Sprint("page ", p.Page)
		}
		if _, err := fmt.Fprintf(w, "%s: %s\n", where, printable(p.Problem)); err != nil {
			return err
		}
	}
	if more > 0 {
		_, err := fmt.Fprintf(w, "and %s more\n", count(more, "problem"))
		return err
	}
	return nil
}

// count returns a number of things: "1 page", "2 pages".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
