package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion(std streams) *cobra.Command {
	return &cobra.Command{
		Use:                   "version",
		DisableFlagsInUseLine: true,
		Short:                 "Print the version of sessctl",
		Example:               "  sessctl version",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("version takes no arguments")
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(std.out, buildVersion())
			return err
		},
	}
}

// buildVersion says what this binary was built from: the module's version, or the commit, and Go's.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "sessctl (unknown build)"
	}
	version := info.Main.Version
	if version == "" {
		version = "(devel)"
	}
	return fmt.Sprintf("sessctl %s %s", version, info.GoVersion)
}
