// Package acd decides which waiting caller is offered to which agent, and when.
package acd
