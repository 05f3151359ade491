package main

import (
	"errors"
	"fmt"
	"io/fs"
	"text/tabwriter"

	"github.com/boltsession/session"
	"github.com/spf13/cobra"
)

func newRecover(std streams) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:                   "recover FILE NEW [--json]",
		DisableFlagsInUseLine: true,
		Short:                 "Save what can be saved from a damaged file",
		Long: `Make a new store of what checks out in a damaged one, and say what is lost. FILE is
only read, and must not be open in an app; NEW must not exist. It needs no key: what is
encrypted stays so.

Sessions of damaged pages are looked for in what the file still has of old pages. One
that was ended does not come back, as long as any index can tell. Where none can,
sessions are counted as unconfirmed: some of those may have been logged out.

The exit status is 0 when something was recovered, 1 when nothing was.`,
		Example: `  sessctl recover sessions.db saved.db
  mv sessions.db damaged.db && mv saved.db sessions.db`,
		Args: recoverOperands,
		RunE: func(cmd *cobra.Command, args []string) error {
			p := std.progress("recover", bytesUnit)
			p.start()
			report, err := session.Recover(cmd.Context(), args[0], args[1], &session.RecoverOptions{
				Progress: func(done, total int64) { p.total.Store(total); p.done.Store(done) },
			})
			p.stop()
			if errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("%s exists and is left as it is; name a NEW that does not", args[1])
			}
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(std.out, recoveredFile{args[0], args[1], report})
			}
			return printRecovered(std, args[1], report)
		},
	}
	jsonFlag(cmd, &asJSON, `one object with the counts and, if there are any, "problems"`)
	return cmd
}

func recoverOperands(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return usagef("which NEW? Name a file for what is recovered; it must not exist")
	}
	return operands(2, 2)(cmd, args)
}

// recoveredFile is what recover prints in JSON.
type recoveredFile struct {
	File string `json:"file"`
	New  string `json:"new"`
	session.RecoverReport
}

func printRecovered(std streams, dest string, r session.RecoverReport) error {
	lost := count(r.LostSessions, "session")
	if r.LostSessions < 0 {
		lost = "sessions, of which the file does not say how many,"
	}
	out := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "recovered\t%s in %s\n", count(r.Sessions, "session"), printable(dest))
	if r.Older > 0 {
		fmt.Fprintf(out, "older\t%d of them, from copies that may lack the latest changes\n", r.Older)
	}
	if r.Unconfirmed > 0 {
		fmt.Fprintf(out, "unconfirmed\t%d of them, which may have been logged out\n", r.Unconfirmed)
	}
	fmt.Fprintf(out, "expired\t%s, left out\n", count(r.Expired, "session"))
	fmt.Fprintf(out, "lost\t%s and %s of others\n", lost, count(r.LostComponents, "component"))
	if err := out.Flush(); err != nil {
		return err
	}
	return printProblems(std.out, r.Problems, r.Unreported)
}
