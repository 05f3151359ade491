package main

import (
	"cmp"
	"maps"
	"slices"

	"github.com/spf13/cobra"
)

func newInspect(std streams) *cobra.Command {
	asJSON, keys := false, keySource{}
	cmd := &cobra.Command{
		Use:                   "inspect FILE [ID] [--key-file F]... [--json]",
		DisableFlagsInUseLine: true,
		Short:                 "Show what is in a store, or in one session",
		Long: `Show what is in a store: its format and size, how many sessions, components and
users it has, and how old the sessions are. With an ID, or at least the first 4
digits of one, show that session with its values.

Values may be secrets of your users. Bytes appear in base64, times in RFC 3339,
what cannot be decoded in hex. For values that tell their types see sessctl export.

Encrypted values of a file that no app has open need the key. ` + keyHelp,
		Example: `  sessctl inspect sessions.db
  sessctl inspect sessions.db 3f2a
  sessctl inspect sessions.db 3f2a --json | jq '.components[""].views'`,
		Args:              operands(1, 2),
		ValidArgsFunction: completeIDs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return with(cmd.Context(), args[0], reading, func(store *connection) error {
					return inspectStore(cmd.Context(), std, store, asJSON)
				})
			}
			prefix, err := parsePrefix(args[1])
			if err != nil {
				return err
			}
			return withKeys(cmd.Context(), args[0], reading, keys, func(store *connection) error {
				return inspectSession(cmd.Context(), std.out, store, prefix, asJSON)
			})
		},
	}
	keys.flag(cmd)
	jsonFlag(cmd, &asJSON, "one object")
	return cmd
}

// sortedKeys returns a map's keys in order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
