//go:build linux

package power

import "slices"

// A judgement compares what was seen of an image with what was told.
type judgement struct {
	*cutter
	story  *chronicle
	time   func(place int) float64
	look   *look
	moment moment
	what   string
}

func (j *judgement) all() {
	if j.look.Open != "" {
		j.found("unopened", "%s: %s", j.what, j.look.Open)
		return
	}
	for _, torn := range j.look.Torn {
		j.found("torn", "%s: %s", j.what, torn)
	}
	j.lives(j.look.Seen, j.moment, j.moment, j.what)
	j.reaped()
	if j.moment.grace == 0 {
		j.copies()
	}
}

// lives judges each life: at least what was done at one moment, at most what was begun at another.
func (j *judgement) lives(seen []sighting, least, most moment, what string) {
	by := make(map[string][]sighting)
	for _, s := range seen {
		by[s.Life] = append(by[s.Life], s)
		if j.story.lives[s.Life] == nil {
			j.found(string(strange), "%s: %+v", what, s)
		}
	}
	for name, l := range j.story.lives {
		lo, _ := l.bounds(least, j.story.closed)
		_, hi := l.bounds(most, j.story.closed)
		at, v := l.judge(by[name], lo, hi)
		j.deeds += lo
		if v != sound {
			j.found(string(v), "%s: %s: %v instead of %+v to %+v", what, name, by[name], l.after(lo), l.after(hi))
			continue
		}
		if most.grace > 0 && at < len(l.deeds) && l.deeds[at].done < most.place {
			j.oldest = max(j.oldest, most.at-l.deeds[at].doneAt)
		}
	}
}

// reaped looks whether a reap that answered has left anything. A session expires a second after it
// was last saved.
func (j *judgement) reaped() {
	most := j.story.expired
	for _, l := range j.story.lives {
		for _, d := range l.deeds {
			if d.what != "expire" || d.begun >= j.moment.place {
				continue
			}
			gone := slices.ContainsFunc(j.story.reaps, func(r *deed) bool {
				return r.done < j.moment.place && d.done < r.begun && j.time(r.begun) > d.doneAt+1
			})
			if !gone {
				most++
			}
		}
	}
	if j.look.Expired > most {
		j.found("other", "%s: %d expired sessions, %d have not been reaped", j.what, j.look.Expired, most)
	}
}

// copies judges the backups: one that was done is there, and none is there that is not whole.
func (j *judgement) copies() {
	for name, d := range j.story.backups {
		if _, ok := j.look.Backups[name]; !ok && d.done < j.moment.place {
			j.found(string(lost), "%s: %s", j.what, name)
		}
	}
	for name, l := range j.look.Backups {
		if j.story.copied[name] {
			continue
		}
		j.backups++
		d := j.story.backups[name]
		what := j.what + ": " + name
		if d == nil || d.begun >= j.moment.place {
			j.found(string(strange), "%s", what)
			continue
		}
		if l.Open != "" {
			j.found("unopened", "%s: %s", what, l.Open)
			continue
		}
		for _, torn := range l.Torn {
			j.found("torn", "%s: %s", what, torn)
		}
		j.lives(l.Seen, moment{place: d.begun, at: j.time(d.begun)}, moment{place: min(d.done, j.moment.place), at: j.moment.at}, what)
	}
}
