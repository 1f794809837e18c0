package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"hotline/api"
	"hotline/call"
	"hotline/cmd/hotline/config"
	"hotline/sip"
	"hotline/store"
	"hotline/store/bolt"
)

func newDoctorCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "doctor", Short: "Find what is wrong, and say how to mend it", Args: exactly(0),
		Long: `Looks at the machine, the configuration and, if it runs, the process of this data
directory: sockets and the address that the world sees, NAT, audio ports, timers,
disk space, certificates, names, trunks, STUN, one-way audio of running calls, folders,
the database, prompts, agents without phones, queues without agents, numbers that
lead nowhere. Each line is PASS, WARN or FAIL; with a FAIL the exit code is 1.`,
		Example: "  hotline doctor --data /var/lib/hotline\n  hotline doctor --json | jq 'select(.result != \"PASS\")'",
	}
	o := outputFlag(cmd)
	asJSON := cmd.Flags().Bool("json", false, "the same as -o json")
	cmd.RunE = does(func(ctx context.Context, _ []string) error {
		if *asJSON {
			*o = "json"
		}
		return a.doctor(ctx, machine(), *o)
	})
	return cmd
}

// doctor looks everywhere and tells what it found.
func (a *app) doctor(ctx context.Context, h host, o format) error {
	list := a.examine(ctx, h)
	failed := false
	for _, f := range list {
		failed = failed || f.Result == call.Fail
		if o == "json" {
			if err := a.jsonLine(f); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(a.out, "%s  %-12s  %s\n", f.Result, f.Check, oneLine(errors.New(f.What)))
		if f.Try != "" {
			fmt.Fprintf(a.out, "      %-12s  try: %s\n", "", oneLine(errors.New(f.Try)))
		}
	}
	if failed {
		return errTold
	}
	return nil
}

// patient is what is examined, a configuration and its center, with what was found.
type patient struct {
	cfg    config.Config
	center store.Center
	list   []call.Finding
}

func (p *patient) add(check, result, try, what string, args ...any) {
	if result == call.Pass {
		try = ""
	}
	p.list = append(p.list, call.Finding{Check: check, Result: result, What: fmt.Sprintf(what, args...), Try: try})
}

// examine begins with what everything else stands on.
func (a *app) examine(ctx context.Context, h host) []call.Finding {
	p := &patient{}
	flags := map[string]string{}
	if a.dataFlag != "" {
		flags["data"] = a.dataFlag
	}
	var err error
	if p.cfg, err = a.load(flags); err != nil {
		p.add("config", call.Fail, "hotline check", "%s", oneLine(err))
		return p.list
	}
	if p.cfg.File == "" {
		p.add("config", call.Pass, "", "no hotline.yaml here: the defaults hold")
	} else {
		p.add("config", call.Pass, "", "%s is right", p.cfg.File)
	}
	h.examine(ctx, p)
	c := api.NewClient(p.cfg.Data, actor())
	switch found, err := c.Doctor(ctx); {
	case err == nil:
		p.add("process", call.Pass, "", "hotline serve answers")
		p.list = append(p.list, found...)
		if r, err := c.Center(ctx, false); err == nil {
			p.center = r.Center
		}
	case errors.Is(err, api.ErrNobody):
		p.add("process", call.Warn, "hotline serve --data "+p.cfg.Data, "hotline serve does not run: calls and registrations were not looked at")
		p.asleep(h)
		p.reach(ctx)
	default:
		p.add("process", call.Fail, "look into the log of hotline serve", "hotline serve does not answer: %v", err)
	}
	h.names(ctx, p)
	p.certificates(h.now())
	return p.list
}

// reach asks trunks and STUN servers from sockets of our own.
func (p *patient) reach(ctx context.Context) {
	var hosts []string
	for _, l := range p.cfg.SIP {
		if host, _, err := net.SplitHostPort(l.Addr); err == nil && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	p.list = append(p.list, call.Reach(ctx, sip.Config{Advertise: p.cfg.Advertise, STUN: p.cfg.STUN,
		TLS: sip.TLS{Cert: p.cfg.TLSCert, Key: p.cfg.TLSKey, ClientCA: p.cfg.TLSClientCA}}, hosts, p.center)...)
}

// asleep looks at what a process would find at its start.
func (p *patient) asleep(h host) {
	p.bind()
	rec := filepath.Join(p.cfg.Data, "recordings")
	switch info, err := os.Stat(p.cfg.Data); {
	case errors.Is(err, os.ErrNotExist):
		p.add("database", call.Warn, "hotline serve, then hotline apply -f center.yaml", "there is no %s: nothing was ever begun here", p.cfg.Data)
		return
	case err != nil:
		p.add("database", call.Fail, "the path and rights of data in hotline.yaml", "%v", err)
		return
	case !info.IsDir():
		p.add("database", call.Fail, "data: a folder, in hotline.yaml or --data", "%s is a file, not a folder: hotline serve can't begin there", p.cfg.Data)
		return
	}
	if _, err := os.Stat(rec); err == nil {
		p.list = append(p.list, call.Folder("recordings", rec))
	}
	path := filepath.Join(p.cfg.Data, "hotline.db")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		p.add("database", call.Warn, "hotline serve, then hotline apply -f center.yaml", "there is no %s: nothing was ever begun here", path)
		return
	}
	st, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		try := "restore hotline.db from a backup, or give the user of hotline serve the right to it"
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			try = "take that folder away: hotline.db is a file, which hotline serve makes"
		}
		p.add("database", call.Fail, try, "can't be opened: %v", err)
		return
	}
	defer func() { _ = st.Close() }() // nothing is written after the last Sync
	p.stored(st, h.now())
}

// stored reads and writes the database of a process that does not run.
func (p *patient) stored(st *bolt.Store, now time.Time) {
	err := st.PutMeta("doctor", []byte(now.UTC().Format(time.RFC3339)))
	if err == nil {
		err = st.Sync()
	}
	if err != nil {
		p.add("database", call.Fail, "free space and rights of the data directory", "can't be written: %v", err)
		return
	}
	objects, _, err := st.Objects()
	if err == nil {
		p.center, err = store.Decode(objects)
	}
	if err != nil {
		p.add("database", call.Fail, "restore hotline.db from a backup", "can't be read: %v", err)
		return
	}
	p.add("database", call.Pass, "", "is read and written")
	registered := map[string]bool{}
	if all, err := st.Bindings(); err == nil {
		for _, b := range all {
			registered[b.User] = true
		}
	}
	p.list = append(p.list, call.Examine(p.center, func(id string) bool {
		a := p.center.Agents[id]
		return a.Contact != "" || a.Trunk != "" || registered[id]
	})...)
}
