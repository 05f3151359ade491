package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
)

// scriptHash returns the hash of the page's one script, by which a policy allows it.
func scriptHash() string {
	_, after, _ := bytes.Cut(index, []byte("<script>"))
	script, _, _ := bytes.Cut(after, []byte("</script>"))
	sum := sha256.Sum256(script)
	return base64.StdEncoding.EncodeToString(sum[:])
}
