//go:build !(linux && (amd64 || arm64))

package boltfile

import "os"

func dropCache(*os.File) {}
