package sessiontest

import (
	"errors"
	"strings"

	"github.com/boltsession/session"
)

func decodeChecks() []check {
	return []check{
		{"WrongType", checkWrongType},
		{"Replaced", checkReplaced},
	}
}

// checkWrongType: a value that does not fit is an error of its own key only.
func checkWrongType(k *kit) {
	s := k.stored()
	cart := k.component(s, "cart")
	set(k, cart, "secret-key", "secret-value")
	set(k, cart, "fits", 1)
	k.save(s)
	cart = k.component(k.get(s.ID(), "cart"), "cart")
	number := 7
	err := cart.Get("secret-key", &number)
	var decode *session.DecodeError
	switch {
	case !errors.As(err, &decode):
		k.Fatalf("Get of a text into an int gave %v, want a *DecodeError: store the encoded values byte for byte", err)
	case decode.Component != "cart" || decode.Key != "secret-key":
		k.Errorf("the DecodeError names component %q and key %q, want \"cart\" and \"secret-key\"", decode.Component, decode.Key)
	case strings.Contains(err.Error(), "secret-key") || strings.Contains(err.Error(), "secret-value"):
		k.Errorf("the error tells a key or value: %v", err)
	}
	if number != 7 {
		k.Errorf("a Get that failed changed its destination to %d", number)
	}
	if v, ok := session.Key[int]("secret-key").Get(cart); ok {
		k.Errorf("Key.Get of a text as an int gave %d, want false", v)
	}
	has(k, cart, "fits", 1, "a value that does not decode harms only its own key")
	has(k, cart, "secret-key", "secret-value", "a value that does not decode into one type still decodes into its own")
	k.is("Get of a missing key", cart.Get("none", &number), session.ErrNoKey, "a key that is not stored is not in what LoadSession gets")
}

// checkReplaced: a value of the wrong type can be replaced and removed, by one who never read it.
func checkReplaced(k *kit) {
	id := k.stored().ID()
	s := k.get(id)
	set(k, s, "a", "text")
	set(k, s, "b", "text")
	k.save(s)
	s = k.get(id)
	n, err := session.Key[int]("a").Update(s, func(n int) int { return n + 1 })
	if err != nil || n != 1 {
		k.Errorf("Update of a value that does not decode gave %d, %v, want 1, nil", n, err)
	}
	s.Remove("b")
	k.save(s)
	found := k.get(id)
	has(k, found, "a", 1, "a value of another type replaces what was stored")
	hasNot(k, found, "b", "a value can be removed, whatever its type")
	has(k, found, "kept", "kept", mergeWhy)
}
