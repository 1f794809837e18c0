package call

import (
	"testing"

	"hotline/store"
)

func TestEachFaultOfATrunkIsToldAtItsPlace(t *testing.T) {
	for _, tc := range []struct {
		name  string
		trunk store.Trunk
		want  string
	}{
		{"asked too often", store.Trunk{KeepAlive: 1}, "$.trunks.world.keep_alive"},
		{"too many redirections", store.Trunk{Redirects: 9}, "$.trunks.world.redirects"},
		{"negative limit", store.Trunk{Most: -1}, "$.trunks.world.most"},
		{"certificate without its key", store.Trunk{Peers: []string{"sip:192.0.2.1;transport=tls"}, TLS: &store.TrunkTLS{Cert: "a.pem"}}, "$.trunks.world.tls"},
		{"mutual without a name", store.Trunk{TLS: &store.TrunkTLS{Mutual: true}}, "$.trunks.world.tls.mutual"},
		{"TLS for peers over UDP", store.Trunk{TLS: &store.TrunkTLS{CA: "ca.pem"}}, "$.trunks.world.tls"},
	} {
		if tc.trunk.Peers == nil {
			tc.trunk.Peers = []string{"sip:192.0.2.1"}
		}
		list := Check(store.Center{Trunks: map[string]store.Trunk{"world": tc.trunk}})
		if len(list) != 1 || list[0].Path != tc.want || list[0].Try == "" {
			t.Errorf("%s: got %+v, want one at %s", tc.name, list, tc.want)
		}
	}
	good := store.Trunk{Peers: []string{"sip:192.0.2.1;transport=tls"}, KeepAlive: 30e9, TLS: &store.TrunkTLS{Mutual: true, Name: "a"}}
	if list := Check(store.Center{Trunks: map[string]store.Trunk{"world": good}}); len(list) != 0 {
		t.Errorf("a good one: got %+v", list)
	}
}

func TestACodeInFrontOfANumberHidesTheCallers(t *testing.T) {
	w, err := newWorld(store.Center{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for number, want := range map[string]string{"*670049301": "0049301", "0049301": "0049301", "*67": "*67", "*67*41": "*67*41"} {
		if got, hidden := w.unhidden(number); got != want || hidden != (got != number) {
			t.Errorf("%s: got %s, hidden %v, want %s", number, got, hidden, want)
		}
	}
}
