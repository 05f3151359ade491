package main

import "github.com/spf13/cobra"

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

// twoOperands has a command take FILE and another argument, which is what.
func twoOperands(name, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			return usagef("which %s? Name %s", name, what)
		}
		return operands(2, 2)(cmd, args)
	}
}
