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
		Short: "Look at a store of sessions, and clear it",
		Long: `sessctl looks at a store of sessions, the file that an app opens with
session.Open, and clears it.

The file must not be open in an app: stop the app first. Commands that only read
leave the file as it is, to the byte. A file that does not exist is an error, and
is never created.

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
	root.AddCommand(newLength(std), newAll(std), newInspect(std), newClear(std), newRekey(std), newCheck(std), newRecover(std), newVersion(std))
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

// operands has a command take from min to max arguments, of which the first is FILE.
func operands(min, max int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < min:
			return usagef("which FILE? Name the store, for example sessions.db")
		case len(args) > max:
			return usagef("%s is one argument too many", args[max])
		}
		return nil
	}
}
