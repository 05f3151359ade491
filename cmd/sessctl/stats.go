package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/boltsession/session/admin"
	"github.com/spf13/cobra"
)

func newStats(std streams) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:                   "stats FILE [--json]",
		DisableFlagsInUseLine: true,
		Short:                 "Show how a store is doing",
		Long: `Show how a store is doing: which app has it open, how many sessions there are, what
was written since it was opened and what is still to be, when the reaper ran last,
and how large the file is. With --json it is one object, for a monitoring system:
alert on failed, full and last_reap_error.`,
		Example: `  sessctl stats sessions.db
  sessctl stats sessions.db --json | jq '.failed or .full'`,
		Args: operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return with(cmd.Context(), args[0], reading, func(store *connection) error {
				s, err := store.Stats(cmd.Context())
				if err != nil {
					return err
				}
				s = onDisk(s, args[0])
				if asJSON {
					return writeJSON(std.out, newStatsJSON(s))
				}
				return printStats(std.out, s, args[0], time.Now())
			})
		},
	}
	jsonFlag(cmd, &asJSON, "one object")
	return cmd
}

func printStats(w io.Writer, s admin.Stats, path string, now time.Time) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(out, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	row("file", "%s", printable(path))
	row("format", "%d", s.Format)
	row("state", "%s", stateText(s))
	row("opened by", "%s", openedBy(s, now))
	row("sessions", "%d, %d in use by requests", s.Sessions, s.LiveSessions)
	row("created", "%d", s.Created)
	row("ended", "%d", s.Ended)
	row("saves", "%d", s.Saves)
	row("commits", "%d of %d ops, at most %d in one", s.Commits, s.Ops, s.LargestGroup)
	row("pending", "%s", count(s.Pending, "session"))
	row("touches", "%s", count(s.Touches, "session"))
	if s.Refused > 0 {
		row("refused", "%s whose end is not on disk yet", count(s.Refused, "session"))
	}
	if s.Reopens > 0 {
		row("reopened", "%d times after a failed write", s.Reopens)
	}
	row("last reap", "%s", reapText(s, now))
	row("size", "%s", sizeText(s))
	return out.Flush()
}

// stateText says whether a store can be written to.
func stateText(s admin.Stats) string {
	switch {
	case s.Failed:
		return "failed: nothing is written until the file is open again; look at the disk and the app's log"
	case s.Full:
		return "full: new sessions are refused; see sessctl reap and compact, and the disk"
	}
	return "good"
}

func openedBy(s admin.Stats, now time.Time) string {
	if !s.Live {
		return "no app"
	}
	return printable(s.Process) + ", " + relative(s.Opened, now)
}

func reapText(s admin.Stats, now time.Time) string {
	switch {
	case s.LastReapErr != "":
		return relative(s.LastReap, now) + ", failed: " + printable(s.LastReapErr)
	case s.LastReap.IsZero():
		return "none since it was opened"
	}
	return fmt.Sprintf("%s, %s", relative(s.LastReap, now), count(s.LastReaped, "session"))
}

// statsJSON is stats in JSON, where a time that there is none of is null.
type statsJSON struct {
	admin.Stats
	LastReap *time.Time `json:"last_reap"`
	Opened   *time.Time `json:"opened"`
}

func newStatsJSON(s admin.Stats) *statsJSON {
	out := &statsJSON{Stats: s}
	if !s.LastReap.IsZero() {
		out.LastReap = &s.LastReap
	}
	if s.Live { // else it was opened to look at it
		out.Opened = &s.Opened
	}
	return out
}
