package main

import (
	"fmt"
	"net/http"

	"github.com/boltsession/session"
)

func (sh *shop) showLogin(w http.ResponseWriter, r *http.Request) error {
	return sh.loginForm(w, r, http.StatusOK, "", "")
}

func (sh *shop) loginForm(w http.ResponseWriter, r *http.Request, status int, name, problem string) error {
	cart, err := cartOf(r)
	if err != nil {
		return err
	}
	return sh.pages.show(w, status, "login", loginPage{
		common: commonOf(r, cart), Name: name, Problem: problem,
		DemoUsers: demoUsers, DemoPassword: demoPassword,
	})
}

// login makes the session the user's and gives it a new token. Whoever knew the old one, because
// they planted it in this browser or saw it before the login, has nothing of it.
func (sh *shop) login(w http.ResponseWriter, r *http.Request) error {
	name, password := r.PostFormValue("user"), r.PostFormValue("password")
	if !passwordFits(name, password) {
		return sh.loginForm(w, r, http.StatusUnauthorized, name, "The name or the password is wrong.")
	}
	s := session.From(r)
	if before := s.User(); before != "" && before != name {
		// Another user's cart is none of theirs: an empty session instead.
		if err := s.Regenerate(r.Context()); err != nil {
			return fmt.Errorf("begin anew: %w", err)
		}
		sh.hub.tell(before)
	}
	if err := s.SetUser(name); err != nil {
		return fmt.Errorf("set user: %w", err)
	}
	if err := device.Set(s, deviceOf(r)); err != nil {
		return fmt.Errorf("set device: %w", err)
	}
	if err := s.Renew(r.Context()); err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	sh.hub.tell(name)
	return back(w, r, "/", "Welcome, "+name+".")
}

// logout ends the session, cart and all.
func (sh *shop) logout(w http.ResponseWriter, r *http.Request) error {
	s := session.From(r)
	user := s.User()
	if _, err := s.Destroy(r.Context()); err != nil {
		return fmt.Errorf("log out: %w", err)
	}
	sh.hub.tell(user)
	return back(w, r, "/login", "")
}
