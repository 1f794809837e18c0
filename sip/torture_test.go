package sip

import (
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const tortureDir = "../../shared/data/torture"

// torture reads the messages of a set by name; none when they are absent.
func torture(t testing.TB, set string) (names []string, text map[string]string) {
	files, _ := filepath.Glob(filepath.Join(tortureDir, set, "*"))
	if len(files) == 0 {
		t.Logf("%s/%s is absent", tortureDir, set)
	}
	text = map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil || len(b) > 65000 {
			continue
		}
		names = append(names, filepath.Base(f))
		text[filepath.Base(f)] = string(b)
	}
	sort.Strings(names)
	return names, text
}

// verdicts of RFC 4475 and RFC 5118 messages at a UAS where the source is a
// trunk: the first response to a request, "" for silence. Those not named here
// are only held to the rules below.
var verdicts = map[string]string{
	"wsinv.dat": "481", "esc01.dat": "100", "escnull.dat": "401", "lwsdisp.dat": "200", "longreq.dat": "100",
	"semiuri.dat": "200", "transports.dat": "200", "mpart01.dat": "405", "noreason.dat": "", "unreason.dat": "",
	"badinv01.dat": "400", "clerr.dat": "400", "ncl.dat": "400", "scalar02.dat": "400", "scalarlg.dat": "",
	"quotbal.dat": "400", "ltgtruri.dat": "400", "lwsruri.dat": "400", "badvers.dat": "505", "mismatch02.dat": "400",
	"bigcode.dat": "", "badbranch.dat": "200", "unkscm.dat": "416", "novelsc.dat": "416", "regaut01.dat": "401",
	"multi01.dat": "400", "zeromf.dat": "200", "inv2543.dat": "100",
	"ipv6-bad.dat": "400", "ipv6-good.dat": "401", "ipv6-correct-abnf-2-colons.dat": "200", "ipv6-in-sdp.dat": "100",
	"mult-ip-in-header.dat": "481", "mult-ip-in-sdp.dat": "100", "ipv4-mapped-ipv6.dat": "100",
	"via-received-param-no-delim.dat": "200",
}

func TestTortureMessages(t *testing.T) {
	for _, set := range []string{"rfc4475", "rfc5118", "jsip", "sipgo-fuzz", "profuzzbench", "enablesecurity-advisories"} {
		t.Run(set, func(t *testing.T) {
			names, texts := torture(t, set)
			refused := 0
			for _, name := range names {
				over := map[string]string{}
				for _, way := range []string{"udp", "tcp", "tcp by bytes"} {
					over[way] = tortured(t, way, texts[name])
				}
				udp, tcp := over["udp"], over["tcp"]
				if tcp != over["tcp by bytes"] {
					t.Errorf("%s: %q in one write, %q byte by byte", name, tcp, over["tcp by bytes"])
				}
				if want, ok := verdicts[name]; ok && set != "jsip" && udp != want {
					t.Errorf("%s: %q over UDP, want %q", name, udp, want)
				}
				if udp == "400" {
					refused++
				}
			}
			t.Logf("%d messages, %d refused with 400", len(names), refused)
		})
	}
}

// tortured sends one message to a fresh endpoint and gives the status of the
// first answer; the endpoint must answer a good request afterwards.
func tortured(t *testing.T, way, text string) (status string) {
	t.Run(way, func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			p := r.udp("10.0.0.2:5060")
			answers := p
			if way != "udp" {
				answers = r.tcp("10.0.0.2")
			}
			first := func(q *peer) {
				if text := q.read(100 * time.Millisecond); strings.HasPrefix(text, "SIP/2.0 ") && status == "" {
					status = text[8:11]
				}
			}
			switch way {
			case "udp":
				p.pc.WriteTo([]byte(text), us)
			case "tcp":
				answers.conn.Write([]byte(text))
			default:
				for i := range len(text) {
					if _, err := answers.conn.Write([]byte{text[i]}); err != nil {
						break
					}
				}
			}
			first(answers)
			synctest.Wait()
			good := r.udp("10.0.0.3:5060")
			good.send(good.ask("OPTIONS", "good", "good", ";tag=g", "", 1, ""))
			good.want("200 OPTIONS")
			if n := r.ep.Stats().Panics.Load(); n != 0 {
				t.Errorf("%d panics", n)
			}
		})
	})
	return status
}
