//go:build linux

package main

// techniques are all there are, in the order in which they run.
var techniques = []technique{
	race,
	soak,
	reap,
	values,
}
