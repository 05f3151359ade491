//go:build linux

package main

// techniques are all there are, in the order in which they run.
var techniques = []technique{
	{"kill", "kill -9 at random moments under 64 writers", "1", "SyncEvery of a second is taken for durable", kill},
	{"copy", "kill -9 in the middle of backups and compactions", "8", "the copy is made by io.Copy", copying},
}
