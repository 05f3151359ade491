package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// terminalWidth returns the columns of a terminal, 0 if it does not know, and whether f is one.
func terminalWidth(f *os.File) (columns int, ok bool) {
	var mode uint32
	if err := windows.GetConsoleMode(windows.Handle(f.Fd()), &mode); err != nil {
		return 0, false
	}
	var info windows.ConsoleScreenBufferInfo
	if err := windows.GetConsoleScreenBufferInfo(windows.Handle(f.Fd()), &info); err != nil {
		return 0, true // an input
	}
	return int(info.Window.Right-info.Window.Left) + 1, true
}
