package main

import (
	"crypto/sha256"
	"crypto/subtle"
)

// DEMO: three users with one password, in the clear. A real program keeps a salted, slow hash of
// each password (argon2id, scrypt), and lets nobody guess as often as they like.
const demoPassword = "demo"

var demoUsers = []string{"anna", "ben", "chris"}

// passwordFits says whether a user has a password. It takes as long for those who do not exist,
// so that nobody learns who does.
func passwordFits(user, password string) bool {
	fits := 0
	for _, name := range demoUsers {
		fits |= same(user, name)
	}
	return fits&same(password, demoPassword) == 1
}

// same compares without telling by its time where the first difference is: hashes have one length.
func same(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}
