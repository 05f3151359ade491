package session

import (
	"maps"
	"slices"
	"testing"
)

func TestBoltStoreLists(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		b := openBolt(t, &opts)
		want := map[ID]bool{}
		createMany(t, b, 2*listPage+7, func(i int, s *Session) {
			if i%2 == 0 {
				c, _ := s.Component(t.Context(), "cart")
				c.Set("a", i)
				c.Set("b", i)
				s.SetUser("ann")
			}
		})
		for i := range 2*listPage + 7 {
			want[testID(i)] = true
		}
		got := map[ID]bool{}
		for info, err := range b.All(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			counts := map[string]int{"": 1}
			if info.User == "ann" {
				counts["cart"] = 2
			}
			if got[info.ID] || !maps.Equal(info.Components, counts) {
				t.Errorf("%s twice, or %v", info.ID.Short(), info.Components)
			}
			got[info.ID] = true
		}
		if !maps.Equal(got, want) {
			t.Errorf("%d sessions listed, want %d", len(got), len(want))
		}
		for range b.All(t.Context()) {
			break // stops without harm
		}
		if n, err := b.Length(t.Context()); n != len(want) || err != nil {
			t.Errorf("Length = %d, %v", n, err)
		}
		infos, err := b.ByUser(t.Context(), "ann")
		if len(infos) != listPage+4 || err != nil {
			t.Errorf("ByUser: %d, %v", len(infos), err)
		}
		if n, err := b.Clear(t.Context()); n != len(want) || err != nil {
			t.Errorf("Clear = %d, %v", n, err)
		}
		if n, err := b.Length(t.Context()); n != 0 || err != nil {
			t.Errorf("Length = %d, %v", n, err)
		}
	})
}

func TestBoltStoreUsers(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		b := openBolt(t, &opts)
		var told []string
		b.OnDestroy(func(id ID, r Reason) { told = append(told, id.Short()+r.String()) })
		for i, user := range []string{"ann", "ann", "ann", "anne", "", "bob"} {
			s := create(t, b, testID(i))
			s.SetUser(user)
			if err := s.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
			if i == 2 {
				s.SetUser("bob")
				if err := s.Save(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if n, err := b.DestroyUser(t.Context(), "ann", testID(1)); n != 1 || err != nil {
			t.Errorf("DestroyUser = %d, %v", n, err)
		}
		if n, err := b.DestroyUser(t.Context(), ""); n != 0 || err != nil {
			t.Errorf("DestroyUser of nobody = %d, %v", n, err)
		}
		if want := []string{testID(0).Short() + "revoked"}; !slices.Equal(told, want) {
			t.Errorf("told %q", told)
		}
		for user, want := range map[string]int{"ann": 1, "anne": 1, "bob": 2, "an": 0, "": 0} {
			if infos, err := b.ByUser(t.Context(), user); len(infos) != want || err != nil {
				t.Errorf("ByUser(%q): %d, %v", user, len(infos), err)
			}
		}
	})
}
