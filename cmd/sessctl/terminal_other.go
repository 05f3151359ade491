//go:build !unix && !windows

package main

import "os"

// terminalWidth knows of no terminals here.
func terminalWidth(*os.File) (columns int, ok bool) { return 0, false }
