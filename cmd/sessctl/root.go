package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// The exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// run runs one command line and returns its exit status.
func run(ctx context.Context, args []string, std streams) int {
	root := newRoot(std)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(std.err, "sessctl: %s\n", explain(err))
	var usage *usageError
	if !errors.As(err, &usage) {
		return exitFailed
	}
	fmt.Fprintf(std.err, "usage: %s\n%s --help says more\n", cmd.UseLine(), cmd.CommandPath())
	return exitUsage
}

// newRoot returns the command sessctl with all others below it.
func newRoot(std streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "sessctl COMMAND FILE",
		Short: "Look at a store of sessions, and steer it",
		Long: `sessctl looks at a store of sessions, the file that an app opens with
session.Open, and steers it: it ends sessions, backs up, compacts, exports and
imports.

If an app has the file open, sessctl asks the app, over the socket that the app
serves beside it; if not, it opens the file itself. What it prints is the same.
Commands that only read leave the file as it is, to the byte. Only import makes a
file that does not exist. Commands that end sessions ask before. An interruption at
any moment leaves the store whole.

Data goes to standard output, words to standard error. The exit status is 0 when
all went well, 1 when it did not, 2 when the command line made no sense.

Tokens never appear: an ID is the SHA-256 of a token and opens nothing.`,
		Example: `  sessctl length sessions.db
  sessctl all sessions.db
  sessctl inspect sessions.db 3f2a`,
		Version:       buildVersion(),
		SilenceErrors: true,
		SilenceUsage:  true,

		DisableFlagsInUseLine:      true,
		SuggestionsMinimumDistance: 2, // one typing error, or two letters swapped

		Args: knownCommand,
		RunE: func(*cobra.Command, []string) error { return usagef("which COMMAND?") },
	}
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usagef("%w", err) })
	root.AddCommand(
		newLength(std), newAll(std), newInspect(std), newStats(std), newWatch(std),
		newClear(std), newDestroy(std), newReap(std),
		newBackup(std), newCompact(std), newExport(std), newImport(std),
		newCheck(std), newRecover(std), newRekey(std),
		newVersion(std), newDocs(),
	)
	return root
}

// knownCommand refuses whatever is no command.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return usagef("%s is no command%s", args[0], hint)
}

// usageError is an error of whoever typed the command line.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }

func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}
