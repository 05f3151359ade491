//go:build linux && !amd64

package main

import "runtime"

func (c *tracedClock) prepare() error {
	return cannot("setting the clock of one process is written for amd64, not %s", runtime.GOARCH)
}

func (c *tracedClock) leave(int) {}
