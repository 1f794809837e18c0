package config

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

func setSIP(c *Config, v string) error {
	var all []Listen
	for _, part := range strings.Split(v, ",") {
		network, addr, ok := strings.Cut(strings.TrimSpace(part), "://")
		if !ok || !slices.Contains([]string{"udp", "tcp", "tls"}, network) {
			return fmt.Errorf("%q is not an address like udp://127.0.0.1:5060, tcp://127.0.0.1:5060 or tls://127.0.0.1:5061", cut(part))
		}
		if err := checkAddr(addr); err != nil {
			return err
		}
		all = append(all, Listen{network, addr})
	}
	c.SIP = all
	return nil
}

func setTLSClients(c *Config, v string) error {
	if v != "optional" && v != "required" {
		return fmt.Errorf("%q is neither optional nor required", cut(v))
	}
	c.TLSRequired = v == "required"
	return nil
}

// setAdvertise takes an address, STUN servers that know it, or "auto". With both,
// the address holds, and doctor asks the servers whether it is right.
func setAdvertise(c *Config, v string) error {
	c.Advertise, c.STUN = "", nil
	if v == "auto" {
		return nil
	}
	for part := range strings.SplitSeq(v, ",") {
		part = strings.TrimSpace(part)
		server, ok := strings.CutPrefix(part, "stun:")
		switch {
		case ok:
			if err := checkServer(server); err != nil {
				return err
			}
			c.STUN = append(c.STUN, server)
		case c.Advertise != "":
			return fmt.Errorf("%q and %q: there can be one address", cut(c.Advertise), cut(part))
		default:
			if err := setHost(&c.Advertise, part); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkServer wants a host, or host:port.
func checkServer(server string) error {
	host := server
	if h, port, err := net.SplitHostPort(server); err == nil {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("%q is not a port", cut(port))
		}
		host = h
	}
	var checked string
	if err := setHost(&checked, host); err != nil || host == "" {
		return fmt.Errorf("%q is not a server like stun:stun.example.net:3478", "stun:"+cut(server))
	}
	return nil
}

func setBanAfter(c *Config, v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > 1000 {
		return fmt.Errorf("%q is not a number from 0 to 1000", cut(v))
	}
	if c.BanAfter = n; n == 0 {
		c.BanAfter = -1 // as package sip writes never
	}
	return nil
}

func setHost(to *string, v string) error {
	if strings.ContainsAny(v, "/ :@,\t\r\n<>\"") {
		if _, err := netip.ParseAddr(v); err != nil {
			return fmt.Errorf("%q is not an IP address or host name (without scheme and port)", cut(v))
		}
	}
	*to = v
	return nil
}

// files are the keys whose values are relative to the file they stand in.
func (c *Config) files(key string) *string {
	switch key {
	case "data":
		return &c.Data
	case "tls_cert":
		return &c.TLSCert
	case "tls_key":
		return &c.TLSKey
	case "tls_client_ca":
		return &c.TLSClientCA
	}
	return nil
}

// relocate makes a path from a file relative to that file.
func (c *Config) relocate(key, file string) {
	if p := c.files(key); p != nil && *p != "" && !filepath.IsAbs(*p) {
		*p = filepath.Join(filepath.Dir(file), *p)
	}
}

// agree finds keys that do not go together; where is the file, or what else said so.
func (c Config) agree(where string) (ps Problems) {
	secure := slices.ContainsFunc(c.SIP, func(l Listen) bool { return l.Network == "tls" })
	add := func(path, what, try string) { ps = append(ps, Problem{File: where, Path: path, What: what, Try: try}) }
	switch {
	case secure && (c.TLSCert == "" || c.TLSKey == ""):
		add("sip", "a tls:// address needs a certificate and its key", "tls_cert and tls_key")
	case (c.TLSCert == "") != (c.TLSKey == ""):
		add("tls_cert", "a certificate and its key go together", "both tls_cert and tls_key")
	case c.TLSRequired && c.TLSClientCA == "":
		add("tls_clients", "required, but no authority says whose certificates are good", "tls_client_ca")
	}
	return ps
}
