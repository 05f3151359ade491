//go:build !linux

package boltfile_test

var platformChildren map[string]func([]string) error
