// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The vocabulary of register definitions.

use crate::PhysAddr;

/// What reading and writing a register does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Writes have no effect; a driver that writes it is mistaken.
    ReadOnly,
    /// Holds what was written.
    ReadWrite,
    /// Holds what was written; some bits start an action or clear themselves.
    Command,
    /// Each bit written as 1 clears a bit of the status register that the documentation names.
    Acknowledge,
    /// A write appends to a FIFO.
    FifoPush,
    /// A read takes the head of a FIFO.
    FifoPop,
    /// A write of 1 empties a FIFO.
    FifoClear,
}

/// How much of a register the chip model carries out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fidelity {
    /// Its effect on the chip is modelled.
    Modelled,
    /// It holds its value, which has no effect in the model.
    Storage,
    /// Seen in a source, meaning unknown; it holds its value, or moves as samples of hardware do (T31 2a.5).
    Unknown,
}

/// A group of neighbouring bits of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The constant's name.
    pub name: &'static str,
    /// Lowest bit.
    pub lsb: u32,
    /// Number of bits, 1 to 32.
    pub width: u32,
    /// Meaning.
    pub doc: &'static str,
}

impl Field {
    /// The bits of the field within the register.
    #[must_use]
    pub const fn mask(&self) -> u32 {
        (u32::MAX >> (32 - self.width)) << self.lsb
    }

    /// The field's value within a register's value.
    #[must_use]
    pub const fn get(&self, register: u32) -> u32 {
        (register & self.mask()) >> self.lsb
    }

    /// A register value with only this field set to `value`; bits that do not fit are cut off.
    #[must_use]
    pub const fn of(&self, value: u32) -> u32 {
        (value << self.lsb) & self.mask()
    }

    /// Whether any bit of the field is set in a register's value.
    #[must_use]
    pub const fn is_set(&self, register: u32) -> bool {
        register & self.mask() != 0
    }
}

/// All that is known of one register.
#[derive(Clone, Copy, Debug)]
pub struct Register {
    /// Name as the vendor's sources or, where they have none, we write it.
    pub name: &'static str,
    /// Bytes from the start of its block (or of its instance of the block).
    pub offset: u32,
    /// What reading and writing does.
    pub access: Access,
    /// Value after reset.
    pub reset: u32,
    /// How much of it is modelled.
    pub fidelity: Fidelity,
    /// Its fields; bits that no field names are not known.
    pub fields: &'static [Field],
    /// Meaning, a sentence or two.
    pub doc: &'static str,
    /// Section of the reference.
    pub source: &'static str,
}

/// A block of registers.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// Short name.
    pub name: &'static str,
    /// What the block is.
    pub doc: &'static str,
    /// Physical address of the first instance.
    pub base: PhysAddr,
    /// Bytes from one instance to the next; the size of the only one.
    pub stride: u32,
    /// Number of equal instances.
    pub instances: u32,
    /// The registers of an instance in address order.
    pub registers: &'static [Register],
}

impl Block {
    /// Bytes from the block's base to `address`, if it lies in the block.
    #[must_use]
    pub const fn offset_of(&self, address: PhysAddr) -> Option<u32> {
        match address.0.checked_sub(self.base.0) {
            Some(offset) if offset < self.stride * self.instances => Some(offset),
            _ => None,
        }
    }
}

/// Defines a block of registers: an enum with one variant per register, valued with its offset; the
/// fields as constants of the enum; and the description of each.
macro_rules! register_block {
    (
        $(#[doc = $block_doc:literal])+
        $block:ident ($block_name:literal) at $base:literal, stride $stride:literal, instances $instances:literal;
        $(
            $(#[doc = $doc:literal])+
            $register:ident ($name:literal) = $offset:literal: $access:ident, reset $reset:literal, $fidelity:ident, $source:literal
            $({ $( $field:ident [$width:literal @ $lsb:literal] $field_doc:literal ),+ $(,)? })?;
        )+
    ) => {
        $(#[doc = $block_doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u32)]
        pub enum $block {
            $( $(#[doc = $doc])+ $register = $offset, )+
        }

        impl $block {
            $( $( $(
                #[doc = $field_doc]
                pub const $field: $crate::registers::Field = $crate::registers::Field {
                    name: stringify!($field), lsb: $lsb, width: $width, doc: $field_doc,
                };
            )+ )? )+

            /// The block as a whole.
            pub const BLOCK: &'static $crate::registers::Block = &$crate::registers::Block {
                name: $block_name,
                doc: concat!($($block_doc),+),
                base: $crate::PhysAddr($base),
                stride: $stride,
                instances: $instances,
                registers: Self::REGISTERS,
            };

            const REGISTERS: &'static [$crate::registers::Register] = &[
                $( $crate::registers::Register {
                    name: $name,
                    offset: $offset,
                    access: $crate::registers::Access::$access,
                    reset: $reset,
                    fidelity: $crate::registers::Fidelity::$fidelity,
                    fields: &[ $( $( Self::$field ),+ )? ],
                    doc: concat!($($doc),+),
                    source: $source,
                }, )+
            ];

            /// The register at `offset` bytes from the block's base.
            #[must_use]
            pub const fn from_offset(offset: u32) -> Option<Self> {
                match offset {
                    $( $offset => Some(Self::$register), )+
                    _ => None,
                }
            }

            /// What is known of the register.
            #[must_use]
            pub fn describe(self) -> &'static $crate::registers::Register {
                static TABLE: &[$crate::registers::Register] = $block::REGISTERS;
                // The variants stand in the table's order.
                let mut index = 0;
                while index + 1 < TABLE.len() && TABLE[index].offset != self as u32 {
                    index += 1;
                }
                &TABLE[index]
            }

            /// The register's physical address (in the block's first instance).
            #[must_use]
            pub const fn address(self) -> $crate::PhysAddr {
                $crate::PhysAddr($base + self as u32)
            }
        }
    };
}
