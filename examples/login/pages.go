package main

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"

	"github.com/boltsession/session"
)

//go:embed web
var web embed.FS

// static serves the files that pages refer to.
func static() http.Handler {
	files, err := fs.Sub(web, "web")
	if err != nil {
		panic(err) // the name above is not the embedded one
	}
	return http.FileServerFS(files)
}

// common is what all pages show.
type common struct {
	User    string
	Message string
	InCart  int
}

// commonOf returns what all pages show, and takes the message that waits for a page.
func commonOf(r *http.Request, c cart) common {
	s := session.From(r)
	message, _ := flash.Pop(s)
	return common{User: s.User(), Message: message, InCart: c.pieces()}
}

// The pages.
type (
	shopPage struct {
		common
		Products []product
		Lines    []line
		Total    string
	}
	loginPage struct {
		common
		Name, Problem string
		DemoUsers     []string
		DemoPassword  string
	}
	accountPage struct {
		common
		Logins []loginRow
	}
	problemPage struct {
		common
		Problem string
	}
)

// pages are the templates by name.
type pages struct{ byName map[string]*template.Template }

func newPages() (*pages, error) {
	p := &pages{byName: map[string]*template.Template{}}
	for _, name := range []string{"shop", "login", "account", "problem"} {
		t, err := template.ParseFS(web, "web/layout.html", "web/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("parse page: %w", err)
		}
		p.byName[name] = t
	}
	return p, nil
}

// show writes a page, or nothing at all.
func (p *pages) show(w http.ResponseWriter, status int, name string, data any) error {
	var b bytes.Buffer
	if err := p.byName[name].ExecuteTemplate(&b, "layout.html", data); err != nil {
		return fmt.Errorf("make page: %w", err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes())
	return nil
}

// problem shows that something went wrong.
func (p *pages) problem(w http.ResponseWriter, r *http.Request, status int, problem string) {
	data := problemPage{common: common{User: session.From(r).User()}, Problem: problem}
	if err := p.show(w, status, "problem", data); err != nil {
		slog.Error("request failed", "path", r.URL.Path, "error", err)
		http.Error(w, problem, status)
	}
}
