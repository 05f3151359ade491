package main

import (
	"net/http"
	"strings"

	"github.com/boltsession/session"
)

// device is the User-Agent that logged in.
const device session.Key[string] = "device"

// maxDevice is how much of a User-Agent is kept, in bytes. Real ones are shorter.
const maxDevice = 256

// deviceOf returns what is kept of a request's User-Agent. Clients send what they like: only text
// can be stored.
func deviceOf(r *http.Request) string {
	ua := r.UserAgent()
	return strings.ToValidUTF8(ua[:min(len(ua), maxDevice)], "")
}

// Marks of browsers and systems, in the order in which to look: many claim to be the later ones.
var (
	browsers = [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"},
		{"Chrome/", "Chrome"}, {"CriOS/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"},
	}
	systems = [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"},
		{"CrOS", "ChromeOS"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"},
	}
)

// deviceName describes a User-Agent for people: "Firefox on Linux".
func deviceName(ua string) string {
	browser, system := find(browsers, ua), find(systems, ua)
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case browser+system != "":
		return browser + system
	}
	return "Unknown device"
}

func find(marks [][2]string, ua string) string {
	for _, m := range marks {
		if strings.Contains(ua, m[0]) {
			return m[1]
		}
	}
	return ""
}
