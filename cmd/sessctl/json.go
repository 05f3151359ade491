package main

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/spf13/cobra"
)

// jsonFlag adds the flag --json to a command that prints data.
func jsonFlag(cmd *cobra.Command, asJSON *bool, what string) {
	cmd.Flags().BoolVar(asJSON, "json", false, "print JSON: "+what)
}

// writeJSON writes v as one line. What a terminal could take for a command is escaped also where
// JSON does not ask for it.
func writeJSON(w io.Writer, v any) error {
	line, err := marshalLine(v)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, line+"\n")
	return err
}

// marshalLine returns v as JSON without a line break, fit for a terminal.
func marshalLine(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // no page will show it, and <a> reads better than its escape
	if err := enc.Encode(v); err != nil {
		return "", err
	}
	return printableJSON(string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))), nil
}
