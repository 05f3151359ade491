package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// newDocs returns the hidden command that writes docs/sessctl.
func newDocs() *cobra.Command {
	return &cobra.Command{
		Use:                   "docs DIR",
		DisableFlagsInUseLine: true,
		Hidden:                true,
		Short:                 "Write a page of Markdown for each command",
		Example:               "  sessctl docs docs/sessctl",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("which DIR? Name the directory that the pages go to")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			for name, text := range pages(cmd.Root()) {
				if err := os.WriteFile(filepath.Join(args[0], name), []byte(text), 0o644); err != nil {
					return fmt.Errorf("write page: %w", err)
				}
			}
			return nil
		},
	}
}

// pages returns the pages by the names of their files.
func pages(root *cobra.Command) map[string]string {
	pages := map[string]string{}
	index := strings.Builder{}
	index.WriteString(page(root) + "\n## Commands\n\n| | |\n|---|---|\n")
	for _, cmd := range root.Commands() {
		if !cmd.IsAvailableCommand() || cmd.Name() == "help" || cmd.Name() == "completion" {
			continue
		}
		pages[cmd.Name()+".md"] = page(cmd)
		fmt.Fprintf(&index, "| [%s](%s.md) | %s |\n", cmd.Name(), cmd.Name(), cmd.Short)
	}
	index.WriteString("\n`sessctl completion bash` (zsh, fish, powershell) prints a script that completes commands, flags and IDs.\n")
	pages["README.md"] = index.String()
	return pages
}

// page returns the page of one command.
func page(cmd *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\n```\n%s\n```\n", cmd.CommandPath(), cmd.Short+".", cmd.UseLine())
	if cmd.Long != "" {
		fmt.Fprintf(&b, "\n%s\n", cmd.Long)
	}
	if cmd.Example != "" {
		fmt.Fprintf(&b, "\n## Examples\n\n```\n%s\n```\n", strings.ReplaceAll(strings.TrimPrefix(cmd.Example, "  "), "\n  ", "\n"))
	}
	if flags := flagLines(cmd); flags != "" {
		fmt.Fprintf(&b, "\n## Flags\n\n```\n%s```\n", flags)
	}
	return b.String()
}

// flagLines describes the flags of a command, without those that all commands have.
func flagLines(cmd *cobra.Command) (flags string) {
	for line := range strings.Lines(cmd.LocalFlags().FlagUsages()) {
		if text := strings.TrimSpace(line); !strings.HasPrefix(text, "-h,") && !strings.HasPrefix(text, "-v,") {
			flags += text + "\n"
		}
	}
	return flags
}
