// Package trial is what the techniques of torture have in common: how one is described and run, what
// it prints, and how it starts processes to break.
package trial
