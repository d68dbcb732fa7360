for module in sorted(prog.modules(), key=lambda module: module.name):
    print(module.name, module.address_ranges)
    print(module.build_id and module.build_id.hex(), module.debug_file_status)
    print(module.loaded_file_path, module.debug_file_path)
