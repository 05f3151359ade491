//go:build (darwin || dragonfly || freebsd || linux || netbsd || openbsd) && !android

package boltfile

var JudgeOwner = judgeOwner
