"""Names that the modules of drgn.helpers.common export.

Written by python -m drgn.helpers._lazy.
"""

NAMES: dict[str, tuple[str, ...]] = {
    "format": (
        "CellFormat",
        "RowOptions",
        "decode_enum_type_flags",
        "decode_flags",
        "double_quote_ascii_string",
        "escape_ascii_character",
        "escape_ascii_string",
        "number_in_binary_units",
        "print_table",
    ),
    "memory": (
        "identify_address",
        "identify_address_all",
        "print_annotated_memory",
    ),
    "prog": (
        "takes_object_or_program_or_default",
        "takes_program_or_default",
    ),
    "stack": (
        "print_annotated_stack",
        "print_registers",
    ),
    "type": (
        "enum_type_to_class",
        "member_at_offset",
        "typeof_member",
    ),
}
